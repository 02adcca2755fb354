"""What pip, uv and npm say comes to one line, and what to do about it is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import MissingToolError
from pipeline.environment import install, interpreter
from pipeline.environment.install import InstallError, Tools, _block, _failure
from pipeline.environment.place import LOCK, Environment

NOWHERE = "http://127.0.0.1:9"
UV = str(Path(sys.prefix) / "bin" / "uv")
PYTHON = interpreter.probe(sys.executable)
#: What somebody has: pip alone, or uv too.
PIP, BOTH = Tools(None, PYTHON), Tools(UV, PYTHON)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Of one small package, with caches of its own."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(_block(LOCK.read_text(), name) for name in ("click", "uv")))
    monkeypatch.setattr(install, "LOCK", lock)
    for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "environment").mkdir()
    return Environment(tmp_path / "environment")


def unreachable(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setenv(name, NOWHERE)
    for name in ("UV_HTTP_RETRIES", "PIP_RETRIES", "npm_config_fetch_retries"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def test_pip_says_what_cannot_be_reached(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch, "PIP_INDEX_URL")
    with pytest.raises(InstallError, match=r"^pip: the packages cannot be reached") as raised:
        install.install_python(environment, PIP)
    assert len(str(raised.value).splitlines()) == 2
    assert "PIP_INDEX_URL" in raised.value.todo


def test_uv_says_what_cannot_be_reached(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch, "UV_DEFAULT_INDEX")
    with pytest.raises(InstallError, match="cannot be reached") as raised:
        install._by_uv(environment, UV, PYTHON)
    assert len(str(raised.value).splitlines()) == 2


def test_npm_says_what_cannot_be_reached(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch, "npm_config_registry")
    with pytest.raises(InstallError, match="npm: the packages cannot be reached") as raised:
        install.install_npm(environment, BOTH)
    assert "npm_config_registry" in raised.value.todo


def test_a_full_disk_and_a_wrong_file_are_told_apart() -> None:
    full = "error: Failed to extract archive\n  Caused by: No space left on device (os error 28)\n"
    assert "PIPELINE_ENVIRONMENTS" in str(_failure("uv", full))
    wrong = "  × Failed to download `click==8`\n  ╰─▶ Hash mismatch for `click==8`\n"
    assert "Hash mismatch" in str(_failure("uv", wrong))
    assert str(_failure("npm", "")).startswith("npm: it said nothing")


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_python_that_fits_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    write_script(tmp_path / "python", "echo 3 14 1")
    with pytest.raises(
        MissingToolError, match=r"no Python 3.11 or 3.12 found.*\n.*PIPELINE_PYTHON"
    ):
        interpreter.find(has_uv=False)
    assert interpreter.find(has_uv=True) is None, "uv gets one"
    # As a shim of pyenv's for a version that is not chosen.
    write_script(tmp_path / "python3.12", "exit 127")
    assert interpreter.find(has_uv=True) is None
    write_script(tmp_path / "python3.12", "echo 3 12 0")
    with pytest.raises(MissingToolError, match=r"apt-get install python3\.12-venv"):
        interpreter.find(has_uv=False)
    write_script(tmp_path / "python3.11", "echo 3 11 1")
    assert interpreter.find(has_uv=False) == interpreter.probe(str(tmp_path / "python3.11"))
    monkeypatch.setenv(interpreter.VARIABLE, str(tmp_path / "python"))
    with pytest.raises(MissingToolError, match=r"it is no Python 3\.11"):
        interpreter.find(has_uv=False)


def test_node_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"node is missing\n.*nodejs npm"):
        install._require_node()
    write_script(tmp_path / "node", "echo v16.20.0")
    with pytest.raises(MissingToolError, match="Node 16 is too old"):
        install._require_node()
    write_script(tmp_path / "node", "echo v20.1.0")
    with pytest.raises(MissingToolError, match="npm is missing"):
        install._require_node()
    write_script(tmp_path / "npm", "echo 11.0.0")
    install._require_node()
