"""What has to be the same on every machine of a cluster, for a step to give the same there."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.base.digest import digest, file_digest
from pipeline.environment.place import LOCK, NPM_FILES, WEB

PACKAGE = Path(__file__).parents[3]
_CODE = (".py", ".json", ".js", ".mjs", ".html", ".css")
#: How many differences are named.
_NAMED = 3


def installed() -> dict[str, str]:
    """Name -> version of what decides results: locked packages, Python, this package's code."""
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", LOCK.read_text(), re.MULTILINE)
    versions = {name: _version(name) for name in sorted({*pins})}
    versions["Python"] = ".".join(platform.python_version_tuple()[:2])
    versions["architecture"] = platform.machine()
    versions["this package's code"] = _code()
    versions["packages of pages"] = file_digest(WEB / NPM_FILES[1])[0][:12]
    return versions


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What differs, in words; empty where nothing does."""
    names = [name for name in {**here, **there} if here.get(name) != there.get(name)]
    named = [f"{n} {there.get(n) or 'none'}, not {here.get(n) or 'none'}" for n in names[:_NAMED]]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return "; ".join(named + more)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _code() -> str:
    files = [path for path in PACKAGE.rglob("*") if path.suffix in _CODE and _is_ours(path)]
    names = sorted((path.relative_to(PACKAGE).as_posix(), file_digest(path)[0]) for path in files)
    return digest("code", names)[:12]


def _is_ours(path: Path) -> bool:
    return not {"node_modules", "__pycache__"} & {*path.parts} and path.is_file()
