"""Somebody's folder with the wheel installed, where commands see nothing of this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import namespaces
from readme import ROOT
from wheels import UV

#: What an installed wheel must not need: the checkout, and the environment that tests run in.
HIDDEN = [ROOT, *([] if Path(sys.prefix).is_relative_to(ROOT) else [Path(sys.prefix)])]
#: Of this process, what a user's has not.
_OURS = {"PYTHONPATH", "PIPELINE_STORE", "VIRTUAL_ENV"}


@dataclass(frozen=True)
class Project:
    """An empty folder, and what somebody set up beside it."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)
    """Variables that they set."""

    @property
    def folder(self) -> Path:
        return self.home / "a project"

    @property
    def bin(self) -> Path:
        """Where they have commands."""
        return self.home / "bin"

    @property
    def environments(self) -> Path:
        return Path(self.environment["PIPELINE_ENVIRONMENTS"])

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        kept["PIPELINE_ENVIRONMENTS"] = str(self.home / "of my own, ü")
        kept["PATH"] = f"{self.bin}{os.pathsep}{kept['PATH']}"
        return kept | self.more

    def start(self, *command: object) -> subprocess.Popen[str]:
        """Their command, which finds nothing of ours."""
        return subprocess.Popen(
            namespaces.hiding(HIDDEN, command), cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *command: object, check: int = 0) -> str:
        """What it prints."""
        started = self.start(*command)
        out, error = started.communicate()
        assert started.returncode == check, f"{command}: {out[-1000:]}{error[-3000:]}"
        return out if check == 0 else error

    def pipeline(self, *arguments: object, check: int = 0) -> str:
        return self.run(self.bin / "pipeline", *arguments, check=check)


def open_project(home: Path, **more: str) -> Project:
    project = Project(home, more)
    project.folder.mkdir()
    project.bin.mkdir()
    return project


def interpreter() -> str:
    """Python outside of the environment that tests run in."""
    return os.path.realpath(sys.executable)


def install_by_pip(home: Path, wheel: Path, *beside: str, python: str = "") -> Project:
    """In an environment that has other packages, maybe of another Python."""
    project = open_project(home)
    project.run(python or interpreter(), "-m", "venv", home / "venv")
    theirs = home / "venv" / "bin" / "python"
    project.run(theirs, "-m", "pip", "install", "--quiet", *beside, wheel)
    for name in ("pipeline", "model-pipeline"):
        (project.bin / name).symlink_to(theirs.with_name(name))
    return project


def install_by_uv(home: Path, wheel: Path) -> Project:
    """With uv at hand, which then makes the environment too."""
    places = {"UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(home / "bin")}
    project = open_project(home, **places)
    shutil.copy(UV, project.bin / "uv")
    project.run("uv", "tool", "install", "--quiet", "--python", interpreter(), wheel)
    return project


def install_by_pipx(home: Path, wheel: Path) -> Project:
    places = {"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin")}
    project = open_project(home, **places)
    project.run(interpreter(), "-m", "venv", home / "venv")
    python = home / "venv" / "bin" / "python"
    project.run(python, "-m", "pip", "install", "--quiet", "pipx")
    pipx = python.with_name("pipx")
    project.run(pipx, "install", "--quiet", "--python", interpreter(), wheel)
    return project
