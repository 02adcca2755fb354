"""What the validation page is made of: its own files, the client's that it shares, and packages."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.base.digest import file_digest, tree_digest

FOLDER = Path(__file__).parent
PAGE = FOLDER / "page"
MODULES = FOLDER / "node_modules"

#: The client, with whose modules the page fetches and starts what a release publishes.
CLIENT = FOLDER.parents[1] / "client"
#: Each task and kind of input keeps its own JavaScript.
TASKS, INPUTS = CLIENT.parent / "tasks", CLIENT.parent / "inputs"
#: What the client's modules load where they need it: few visitors fetch any of it.
APART = (
    *("before.js", "cascade.js", "chain.js", "database.js", "explain.js", "fallback.js"),
    *("large.js", "room.js", "stream.js"),
)
#: What the page takes of it.
SHARED = (
    *("chain.js", "choose.js", "device.js", "errors.js", "explain.js", "image.js", "limits.js"),
    *("reasons.js", "runtime.js", "runtimes/failure.js", "transport.js"),
)


def task_folder(name: str) -> Path:
    """Where a task keeps its JavaScript."""
    return TASKS / name.replace("-", "_")


def task_of(folder: Path) -> str:
    """The name of the task that a folder is of."""
    return folder.name.replace("_", "-")


def versions(kind: str = "dependencies") -> dict[str, str]:
    """Package -> version, of those that the page names; as ``package-lock.json`` pins them."""
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    named = lock["packages"][""].get(kind, {})
    return {name: lock["packages"][f"node_modules/{name}"]["version"] for name in sorted(named)}


def page_digest() -> str:
    """A digest of the page and its scripts; the bundles that it runs decide beside it."""
    page_files = {path.name: path for path in (*PAGE.glob("*.js"), *PAGE.glob("*.html"))}
    shared = {f"client/{name}": CLIENT / name for name in SHARED}
    return tree_digest({name: file_digest(path) for name, path in (page_files | shared).items()})


def list_missing() -> list[str]:
    """Packages that are pinned but not installed in that version."""
    pinned = versions() | versions("devDependencies")
    return [name for name, version in pinned.items() if _installed(name) != version]


def _installed(name: str) -> str | None:
    try:
        version: str = json.loads((MODULES / name / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return version
