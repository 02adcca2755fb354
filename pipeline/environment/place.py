"""Where the environments of the installed command lie, and which one this package asks for."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.digest import digest
from pipeline.base.tools import OURSELVES, version
from pipeline.environment import MARK, PACKAGE

LOCK = Path(__file__).with_name("requirements.lock")
#: Where the packages of pages are pinned, and looked for.
WEB = PACKAGE / "backends" / "web"
#: What npm reads.
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")

#: The command, and the same by a name that no other package has.
COMMANDS = ("pipeline", OURSELVES)

#: Names another folder for environments than the user's cache.
VARIABLE = "PIPELINE_ENVIRONMENTS"
#: What is unfinished, or about to be removed, begins so.
ASIDE = ".aside-"

#: Digits of a digest in a folder's name.
_DIGITS = 16
#: Raised where environments are laid out otherwise.
_LAYOUT = 1


def root() -> Path:
    """The folder of all environments."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute()
    return caches() / "environments"


def caches() -> Path:
    """This package's folder among the user's caches."""
    folder = Path.home() / ("Library/Caches" if platform.system() == "Darwin" else ".cache")
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG Base Directory Specification: what is not absolute is ignored.
    folder = Path(named) if Path(named).is_absolute() else folder
    return folder / OURSELVES


@dataclass(frozen=True)
class Environment:
    """The packages of one pair of locks, for all versions of this package that have these."""

    folder: Path

    @property
    def venv(self) -> Path:
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def npm(self) -> Path:
        """Of what npm reads, and ``node_modules``."""
        return self.folder / "npm"

    @property
    def record(self) -> Path:
        """Written last: what was made, and how large it is."""
        return self.folder / "environment.json"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def is_whole(self) -> bool:
        """Whether it was finished, and its Python still starts."""
        return self.record.is_file() and os.access(self.python, os.X_OK)

    def facts(self) -> dict[str, Any]:
        """What its record says: ``bytes``, ``python``, ``seconds``."""
        facts: dict[str, Any] = json.loads(self.record.read_text())
        return facts


@dataclass(frozen=True)
class Run:
    """A copy of this package that runs in an environment, whatever becomes of the original."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def script(self, command: str) -> Path:
        """Its name is that of the command, which click shows."""
        return self.folder / "bin" / command

    def is_whole(self) -> bool:
        return (self.folder / MARK).is_file() and os.access(self.python, os.X_OK)


def wanted() -> Environment:
    """The environment that this package asks for, made or not."""
    read = [path.read_text() for path in (LOCK, *(WEB / name for name in NPM_FILES[:2]))]
    machine = [platform.system(), platform.machine()]
    return Environment(root() / digest("environment", _LAYOUT, machine, read)[:_DIGITS])


def run_of(environment: Environment) -> Run:
    """The copy of just this package, made or not."""
    return Run(environment.runs / digest("run", _LAYOUT, _files())[:_DIGITS])


def _files() -> list[str]:
    """Each file of this package with its digest, as its installer recorded them."""
    record = importlib.metadata.distribution(OURSELVES).read_text("RECORD") or ""
    return sorted(
        line
        for line in record.splitlines()
        if line.startswith(f"{PACKAGE.name}/") and "sha256=" in line and "__pycache__" not in line
    )


def list_missing() -> list[str]:
    """Locked packages that this process, which is in an environment, does not find."""
    from packaging.requirements import Requirement

    lines = re.findall(r"^[\w.-]+.*==.*", LOCK.read_text(), re.MULTILINE)
    pins = [Requirement(line.rstrip(" \\")) for line in lines]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return [pin.name for pin in here if not pin.specifier.contains(version(pin.name) or "0")]
