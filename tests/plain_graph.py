"""A TF.js graph model called in Node, in every way that TF.js has."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODULES = ROOT / "pipeline/backends/web/node_modules"


def said_of(artifact: Path, name: str, x: Any, work: Path) -> dict[str, Any]:
    """What ``plain_graph.mjs`` says of an artifact folder on its one input, on WebAssembly."""
    entry = artifact / json.loads((artifact / "artifact.json").read_text())["entry"]
    given = {"name": name, "shape": x.shape, "data": x.ravel().tolist(), "dtype": x.dtype.name}
    (work / "input.json").write_text(json.dumps(given))
    script = Path(__file__).with_name("export") / "plain_graph.mjs"
    done = subprocess.run(
        ["node", script, MODULES, entry, work / "input.json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
