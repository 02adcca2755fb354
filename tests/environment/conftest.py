"""A package of a few lines with locks of its own, whose environment takes no downloads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.environment import make, place
from pipeline.environment.install import Tools
from pipeline.environment.place import Environment

MAIN = """\
import os, sys, time

def main():
    print("ran", sys.argv[0].rpartition("/")[2], *sys.argv[1:], flush=True)
    if sys.argv[1:] == ["sleep"]:
        time.sleep(60)
    sys.exit(int(os.environ.get("ENDS_WITH", "0")))
"""


def make_venv(environment: Environment, tools: Tools) -> None:
    """As ``install_python``, of no packages."""
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(environment.venv)]
    subprocess.run(command, check=True)


def make_modules(environment: Environment, tools: Tools) -> None:
    """As ``install_npm``, of no packages."""
    (environment.npm / "node_modules" / "one").mkdir(parents=True)


def patches(package: Path) -> dict[str, Any]:
    """What ``pipeline.environment.make`` has otherwise, of a package of nothing."""
    parts = {"Python": make_venv, "npm": make_modules}
    return {"PACKAGE": package, "WEB": package / "backends" / "web", "_PARTS": parts}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages" / "pipeline"
    (folder / "cli").mkdir(parents=True)
    (folder / "backends" / "web").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "cli" / "__init__.py").touch()
    (folder / "cli" / "main.py").write_text(MAIN)
    for name, value in patches(folder).items():
        monkeypatch.setattr(make, name, value)
    monkeypatch.setenv(place.VARIABLE, str(tmp_path / "environments"))
    return folder
