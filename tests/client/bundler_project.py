"""A user's project that installed the packed client, and the bundlers that users have."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client_page import HTML

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "pipeline" / "client"
BUNDLERS = Path(__file__).parent / "bundlers"

#: What an app is to the tests: it hands them its ``load``, and tells if ever a worker runs it.
APP = """
import { load, ModelError } from "model-pipeline-client";
self.app = { load, ModelError };
if (!self.document) fetch("/the-app-runs-in-a-worker");
"""


def page_html(script: str) -> str:
    """A page of the tests with the app in it."""
    return f"{HTML}{script}\n"


def run(words: Sequence[object], folder: Path) -> str:
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(folder: Path) -> Path:
    """A project in a folder, with what `npm pack` gives, and React; without a network."""
    packed = json.loads(run(["npm", "pack", "--json", "--pack-destination", folder], CLIENT))
    (folder / "package.json").write_text('{"name": "user", "private": true, "type": "module"}')
    run(["npm", "install", "--offline", "--no-audit", "--no-fund", packed[0]["filename"]], folder)
    for name in ("react", "react-dom", "scheduler"):
        (folder / "node_modules" / name).symlink_to(BUNDLERS / "node_modules" / name)
    (folder / "main.js").write_text(APP)
    return folder


def build(tool: str, project: Path, **how: Any) -> dict[str, Any]:
    """Build the project with one of ``build.mjs``' tools; gives the bundler's warnings."""
    task = json.dumps({"project": str(project), **how})
    said = run(["node", BUNDLERS / "build.mjs", tool, task], project)
    return dict(json.loads(said.splitlines()[-1]))


@contextmanager
def vite_server(project: Path) -> Iterator[str]:
    """Vite's development server; gives its address."""
    words = ["node", str(BUNDLERS / "build.mjs"), "vite-dev", json.dumps({"project": str(project)})]
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()
