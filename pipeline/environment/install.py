"""Fills an environment: Python's packages by uv or pip, the packages of pages by npm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import MissingToolError, PipelineError
from pipeline.environment import interpreter
from pipeline.environment.interpreter import Interpreter
from pipeline.environment.place import LOCK, NPM_FILES, WEB, Environment

#: Of the user's settings, those that would install elsewhere, or bring other packages in, or refuse
#: the locked ones. All else, as indexes, mirrors and proxies, is between them and pip, uv and npm.
_UNWANTED = (
    *("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "UV_TARGET"),
    *("UV_PREFIX", "UV_OVERRIDE", "UV_SYSTEM_PYTHON", "VIRTUAL_ENV", "PIP_ROOT"),
    *("PIP_CONSTRAINT", "UV_CONSTRAINT"),
)
#: Node 18 runs all that the pinned packages ship.
_OLDEST_NODE = 18


#: What keeps pip, uv and npm from the network: they take what their caches have.
OFFLINE = {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1", "npm_config_offline": "true"}


class InstallError(PipelineError):
    """A package manager failed."""


@dataclass(frozen=True)
class Tools:
    """What environments are made with, beside Node; at least one of both is there."""

    uv: str | None
    """The user's own."""
    python: Interpreter | None


def find_tools() -> Tools:
    """Look for all that environments are made with.

    Raises:
        MissingToolError: something is missing or too old.
    """
    _require_node()
    uv = shutil.which("uv")
    return Tools(uv, interpreter.find(has_uv=uv is not None))


def _require_node() -> None:
    for name in ("node", "npm"):
        version = _version(name)
        if version is None or (name == "node" and version < _OLDEST_NODE):
            raise MissingToolError(
                f"{name} is missing" if version is None else f"Node {version} is too old",
                todo=f"install Node {_OLDEST_NODE} or later with npm: sudo apt-get install nodejs "
                "npm, or brew install node",
            )


def _version(name: str) -> int | None:
    try:
        asked = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
        return int(asked.stdout.strip().removeprefix("v").partition(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def install_python(environment: Environment, tools: Tools) -> None:
    """Make ``venv`` of the locked packages, and of nothing else.

    The user's uv makes it where there is one, else pip of the locked uv. Where uv's settings do
    not lead to the packages, pip's may: it installs all of them, which takes several times as long.

    Raises:
        InstallError: the packages could not be had; in the words of who tried last.
    """
    python = tools.python
    if tools.uv is not None:
        try:
            _by_uv(environment, tools.uv, python)
        except InstallError:
            if python is None or not python.has_pip:
                raise
        else:
            return
    if python is not None:
        _by_pip(environment, python)


def _by_uv(environment: Environment, uv: str, python: Interpreter | None) -> None:
    asked = python.path if python else interpreter.OF_UV
    _run([uv, "venv", "--quiet", "--no-project", "--python", asked, str(environment.venv)])
    _fill(environment, uv)


def _fill(environment: Environment, uv: str | Path) -> None:
    command = [str(uv), "pip", "install", "--quiet", "--python", str(environment.python)]
    _run([*command, "--require-hashes", "--no-deps", "--compile-bytecode", "-r", str(LOCK)])


def _by_pip(environment: Environment, python: Interpreter) -> None:
    _run([python.path, "-I", "-m", "venv", "--clear", str(environment.venv)])
    pip = [str(environment.python), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
    pip += ["--disable-pip-version-check", "--require-hashes", "--no-deps", "-r"]
    of_uv = environment.folder / "uv.lock"
    of_uv.write_text(_block(LOCK.read_text(), "uv"))
    _run([*pip, str(of_uv)])
    try:
        _fill(environment, environment.venv / "bin" / "uv")
    except InstallError:
        _run([*pip, str(LOCK)])


def _block(lock: str, name: str) -> str:
    """What a lock says of one package, with its hashes."""
    _, start, rest = f"\n{lock}".partition(f"\n{name}==")
    lines = f"{start}{rest}".strip().splitlines()
    end = next((n for n, line in enumerate(lines) if not line.endswith("\\")), len(lines))
    return "\n".join(lines[: end + 1]) + "\n"


def install_npm(environment: Environment, tools: Tools) -> None:
    """Make ``node_modules`` of the locked packages; nothing of them runs.

    Raises:
        InstallError: the packages could not be had.
    """
    environment.npm.mkdir()
    for name in NPM_FILES:
        shutil.copyfile(WEB / name, environment.npm / name)
    command = ["npm", "ci", "--prefix", str(environment.npm), "--ignore-scripts", "--include=dev"]
    _run([*command, "--no-fund", "--no-audit", "--loglevel=error"], NODE_ENV="")


def _run(command: Sequence[str], **more: str) -> None:
    """Run a command without the user's project in sight.

    Raises:
        InstallError: it failed.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    # uv reads the settings of a project that it is started in.
    done = subprocess.run(
        command,
        env={**kept, **more},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        module = command[3] if command[2:3] == ["-m"] else None
        raise _failure(module or Path(command[0]).name, done.stderr or done.stdout)


def _failure(tool: str, said: str) -> InstallError:
    """What a package manager's words come to, in one line, with what to do about it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    telling = [line for line in lines if line.lower().startswith(("error", "npm error", "×"))]
    causes = [line for line in lines if line.lower().startswith(("caused by", "╰─▶"))]
    first = ": ".join(line.strip("×╰─▶ ") for line in [*(telling or lines[-1:])[:1], *causes[-1:]])
    text = said.lower()
    if "no space left" in text or "enospc" in text or "disk quota" in text:
        return InstallError("no space left", where=tool, todo=NO_SPACE)
    if any(word in text for word in _OF_NETWORK):
        if any(map(os.environ.get, OFFLINE)):
            return InstallError(f"not in its cache: {first}", where=tool, todo=NOT_CACHED)
        return InstallError(f"the packages cannot be reached: {first}", where=tool, todo=NO_NETWORK)
    return InstallError(first, where=tool, todo="mend that, and run: pipeline setup")


_OF_NETWORK = (
    *("failed to fetch", "connection", "getaddrinfo", "enotfound", "econnrefused", "etimedout"),
    *("network", "dns error", "timed out", "offline", "no matching distribution", "enotcached"),
)
NO_NETWORK = (
    "go online, or name a mirror as pip, uv and npm take it (PIP_INDEX_URL, UV_DEFAULT_INDEX, "
    "npm_config_registry); then run: pipeline setup"
)
NOT_CACHED = (
    "run once with a network: pipeline setup; pip installs nothing of its cache without one: "
    "install uv, which does"
)
NO_SPACE = "make room, or name a folder on another disk: PIPELINE_ENVIRONMENTS=/path"
