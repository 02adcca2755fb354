"""What a build needs of this machine: there or missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.base import tools
from pipeline.base.errors import MissingToolError
from pipeline.base.tools import TOOLS
from pipeline.environment import advice, is_clone


@dataclass(frozen=True)
class Check:
    """One thing looked for."""

    name: str
    ok: bool
    found: str
    mend: str
    required: bool = True


#: A cold build of the bundled model takes less than this in the store and the CDN folder.
NEEDED_BYTES = 2 * 10**9


def examine() -> list[Check]:
    """Look at everything; nothing is started but browsers and Node, to ask their versions."""
    return [
        *_environment(),
        _python(),
        *map(_distribution, (*TOOLS, "playwright", "model-signing", "s3fs")),
        _browser(),
        *_engines(),
        _xvfb(),
        *map(_node, ("node", "npm")),
        _packages(),
        _disk(),
    ]


def _environment() -> Iterator[Check]:
    """Of an installed command: where its packages lie, their bytes, and whether all are there."""
    if is_clone():
        return
    from pipeline.environment import place

    environment = place.wanted()
    lacking = place.list_missing()
    named = f", without {', '.join(lacking)}" if lacking else ""
    shown = f"{environment.folder} ({environment.facts()['bytes'] / 1e9:.1f} GB{named})"
    yield Check("environment", not lacking, shown, advice())


def _python() -> Check:
    version = platform.python_version()
    ok = platform.python_version_tuple()[:2] in (("3", "11"), ("3", "12"))
    mend = "rm -f .venv/.ready && make build PYTHON=python3.12" if is_clone() else advice()
    return Check("python", ok, version, mend)


def _distribution(name: str) -> Check:
    installed = tools.version(name)
    return Check(name, installed is not None, installed or "", advice())


def _browser() -> Check:
    from pipeline.backends.web.install import find_browser
    from pipeline.backends.web.system import version

    mend = f"{sys.executable} -m pipeline.backends.web.install"
    try:
        browser = find_browser()
    except MissingToolError as error:
        return Check("browser", False, f"{error.where}: {error.what}", error.todo)
    shown = f"{browser} ({version(browser)})" if browser else ""
    return Check("browser", browser is not None, shown, mend)


def _engines() -> Iterator[Check]:
    from pipeline.backends.web import optional

    for engine in optional.list_optional():
        there = optional.describe_engine(engine)
        shown = there or engine.unavailable() or ""
        yield Check(engine.name, bool(there), shown, optional.mend(engine), required=False)


def _xvfb() -> Check:
    from pipeline.backends.web import xvfb

    there = shutil.which(xvfb.COMMAND) or ""
    ok = xvfb.unavailable() is None
    shown = there or "not needed on a Mac" if ok else ""
    mend = "sudo apt-get install --no-install-recommends xvfb"
    return Check("xvfb", ok, shown, mend, required=False)


def _node(name: str) -> Check:
    node = shutil.which(name)
    shown = ""
    if node:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        shown = asked.stdout.strip()
    mend = "install Node 18 or later, with npm: sudo apt-get install nodejs npm"
    return Check(name, bool(shown), shown, mend)


def _packages() -> Check:
    from pipeline.backends.web.packages import FOLDER, list_missing, versions

    lacking = list_missing()
    present = ", ".join(f"{name} {v}" for name, v in versions().items() if name not in lacking)
    where = os.path.relpath(FOLDER)
    mend = f"npm ci --prefix {where}" if is_clone() else advice()
    return Check("page packages", not lacking, present, mend)


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    mend = "make room, or name another disk with --store and publish.to"
    return Check("disk", free > NEEDED_BYTES, f"{free / 1e9:.1f} GB free", mend)
