"""The Node packages of the validation page: which, and whether they are installed."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.digest import file_digest, tree_digest

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"


def versions(kind: str = "dependencies") -> dict[str, str]:
    """Package -> version, of those that the page names; as ``package-lock.json`` pins them."""
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    named = lock["packages"][""].get(kind, {})
    return {name: lock["packages"][f"node_modules/{name}"]["version"] for name in sorted(named)}


def page_digest() -> str:
    """A digest of the page and its scripts."""
    files = sorted([*FOLDER.glob("*.js"), *FOLDER.glob("*.html")])
    return tree_digest({path.name: file_digest(path) for path in files})


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
