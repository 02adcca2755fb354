"""What the validation page is made of: its own files, the client's that it shares, and packages."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.digest import file_digest, tree_digest

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"

#: The client's runtimes, and what of them the page runs artifacts with, as clients do.
RUNTIMES = FOLDER.parent / "client" / "runtimes"
SHARED = ("failure.js", "record.js", "tfjs/predict.js", "webgpu.js")


def versions(kind: str = "dependencies") -> dict[str, str]:
    """Package -> version, of those that the page names; as ``package-lock.json`` pins them."""
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    named = lock["packages"][""].get(kind, {})
    return {name: lock["packages"][f"node_modules/{name}"]["version"] for name in sorted(named)}


def page_digest() -> str:
    """A digest of the page and its scripts."""
    own = {path.name: path for path in (*FOLDER.glob("*.js"), *FOLDER.glob("*.html"))}
    shared = {f"runtimes/{name}": RUNTIMES / name for name in SHARED}
    return tree_digest({name: file_digest(path) for name, path in (own | shared).items()})


def missing() -> list[str]:
    """Packages that are pinned but not installed in that version."""
    pinned = versions() | versions("devDependencies")
    return [name for name, version in pinned.items() if _installed(name) != version]


def _installed(name: str) -> str | None:
    try:
        version: str = json.loads((MODULES / name / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return version
