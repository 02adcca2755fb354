"""Finds the Python that an environment is made of: the locks hold for 3.11 and 3.12."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import MissingToolError

#: Names the interpreter to use.
VARIABLE = "PIPELINE_PYTHON"
VERSIONS = ((3, 12), (3, 11))
#: What uv is asked for where there is none: it knows those that it has got before, or gets one.
OF_UV = "3.12"

_PROBE = (
    "import sys, importlib.util as u;"
    "print(*sys.version_info[:2], int(bool(u.find_spec('ensurepip') and u.find_spec('venv'))))"
)
_PROBE_TIMEOUT_S = 30


@dataclass(frozen=True)
class Interpreter:
    """A Python that starts."""

    path: str
    version: tuple[int, int]
    has_pip: bool
    """Whether it makes environments with pip; Debian leaves that to a package of its own."""


def find(has_uv: bool) -> Interpreter | None:
    """A Python that fits and makes environments; with uv any that fits, or ``None``.

    Raises:
        MissingToolError: there is none, or what ``PIPELINE_PYTHON`` names does not fit.
    """
    fitting = []
    for path in dict.fromkeys(_candidates()):
        python = probe(path)
        if python and python.version in VERSIONS:
            if python.has_pip:
                return python
            fitting.append(python)
    named = os.environ.get(VARIABLE)
    if named and not fitting:
        raise MissingToolError(
            "it is no Python 3.11 or 3.12", where=f"{VARIABLE}={named}", todo=f"mend {VARIABLE}"
        )
    if has_uv:
        return next(iter(fitting), None)
    if fitting:
        package = "python{}.{}-venv".format(*fitting[0].version)
        raise MissingToolError(
            f"{fitting[0].path} cannot make environments",
            todo=f"run: sudo apt-get install {package}; or install uv, which can",
        )
    raise MissingToolError(
        "no Python 3.11 or 3.12 found: TensorFlow and the locked packages are for these",
        todo=f"install one, or uv, which gets one, or name it: {VARIABLE}=/path/to/python3.12",
    )


def probe(path: str) -> Interpreter | None:
    """What an interpreter says of itself; ``None`` where it does not start."""
    try:
        command = [path, "-I", "-c", _PROBE]
        asked = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=True
        )
        major, minor, has_pip = map(int, asked.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(path, (major, minor), bool(has_pip))


def _candidates() -> Iterator[str]:
    if named := os.environ.get(VARIABLE):
        yield str(Path(named).expanduser())
        return
    yield sys.executable
    for folder in os.get_exec_path():
        names = [*(f"python{major}.{minor}" for major, minor in VERSIONS), "python3"]
        yield from (found for name in names if (found := shutil.which(name, path=folder)))
