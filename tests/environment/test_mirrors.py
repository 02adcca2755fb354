"""Packages from an index of the user's own, and from caches without any network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import http_server
import pytest
from http_server import Site
from nightly import nightly
from registries import publish_npm, publish_wheel, serve_with_type

from pipeline.environment import install, interpreter
from pipeline.environment.install import OFFLINE, InstallError, Tools
from pipeline.environment.place import Environment

PYTHON = interpreter.probe(sys.executable)
UV = str(Path(sys.prefix) / "bin" / "uv")
#: A uv that installs nothing, so that pip has to.
NO_UV = {"uv-1.2.0.data/scripts/uv": b"#!/bin/sh\necho 'error: no' >&2\nexit 2\n"}


@pytest.fixture(scope="module")
def mirror() -> Iterator[Site]:
    """Has one package for Python, one for pages, and a uv that fails."""
    with http_server.running_server() as site:
        site.always = serve_with_type
        publish_wheel(site, "one", {"one.py": b"value = 1\n"})
        publish_wheel(site, "uv", NO_UV)
        publish_npm(site, "two", {"index.js": b"export const value = 2;\n"})
        yield site


@pytest.fixture
def environment(mirror: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Locked to what the mirror has, with caches of its own and settings that lead there."""
    lock = "".join(
        f"{name}==1.2.0 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
        for path, content in sorted(mirror.files.items())
        for name in [Path(path).name.partition("-")[0]]
        if path.endswith(".whl")
    )
    (tmp_path / "requirements.lock").write_text(lock)
    monkeypatch.setattr(install, "LOCK", tmp_path / "requirements.lock")
    web = tmp_path / "web"
    web.mkdir()
    dist = json.loads(mirror.files["/two"])["versions"]["1.2.0"]["dist"]
    two = {"version": "1.2.0", "integrity": dist["integrity"]}
    about = {"name": "web", "dependencies": {"two": "1.2.0"}}
    packages = {"": about, "node_modules/two": two}
    (web / "package.json").write_text(json.dumps(about))
    locked = {"name": "web", "lockfileVersion": 3, "requires": True, "packages": packages}
    (web / "package-lock.json").write_text(json.dumps(locked))
    (web / ".npmrc").touch()
    monkeypatch.setattr(install, "WEB", web)
    settings = {
        "UV_DEFAULT_INDEX": f"{mirror.address}/simple/",
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_NO_CONFIG": "1",
        "PIP_INDEX_URL": f"{mirror.address}/simple/",
        "PIP_CACHE_DIR": str(tmp_path / "pip-cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "npm_config_registry": f"{mirror.address}/",
        "npm_config_cache": str(tmp_path / "npm-cache"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    mirror.requests.clear()
    return make_place(tmp_path / "environment")


def make_place(folder: Path) -> Environment:
    folder.mkdir()
    return Environment(folder)


def value_of(environment: Environment) -> str:
    command = [environment.python, "-I", "-c", "import one; print(one.value)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("uv", [UV, nightly(None)], ids=["uv", "pip"])
def test_python_packages_come_from_the_index_that_is_set(
    mirror: Site, environment: Environment, uv: str | None
) -> None:
    install.install_python(environment, Tools(uv, PYTHON))
    assert value_of(environment) == "1"
    assert any(request.path.endswith("one-1.2.0-py3-none-any.whl") for request in mirror.requests)


@pytest.mark.parametrize("uv", [UV, nightly(None)], ids=["uv", "pip"])
def test_versions_are_those_of_the_lock_whatever_a_user_holds_back(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uv: str | None
) -> None:
    (tmp_path / "constraints.txt").write_text("one<1\n")
    for name in ("UV_CONSTRAINT", "PIP_CONSTRAINT", "UV_OVERRIDE"):
        monkeypatch.setenv(name, str(tmp_path / "constraints.txt"))
    install.install_python(environment, Tools(uv, PYTHON))
    assert value_of(environment) == "1"


def test_npm_packages_come_from_the_registry_that_is_set(
    mirror: Site, environment: Environment
) -> None:
    install.install_npm(environment, Tools(UV, PYTHON))
    assert "value = 2" in (environment.npm / "node_modules/two/index.js").read_text()
    assert "/two/-/it.tgz" in {request.path for request in mirror.requests}


def test_without_a_network_caches_have_what_they_had(
    mirror: Site, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = Tools(UV, None)
    monkeypatch.setattr(interpreter, "OF_UV", sys.executable)
    cold = make_place(tmp_path / "cold")
    with monkeypatch.context() as offline:
        for name, value in OFFLINE.items():
            offline.setenv(name, value)
        for part, tool in ((install.install_python, "uv"), (install.install_npm, "npm")):
            with pytest.raises(InstallError, match=f"^{tool}: not in its cache: ") as raised:
                part(cold, tools)
            assert len(str(raised.value).splitlines()) == 2, str(raised.value)
            assert "pipeline setup" in raised.value.todo
        assert mirror.requests == []
    install.install_python(environment, tools)
    install.install_npm(environment, tools)
    asked = len(mirror.requests)
    assert asked
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    warm = make_place(tmp_path / "warm")
    install.install_python(warm, tools)
    install.install_npm(warm, tools)
    assert value_of(warm) == "1" and (warm.npm / "node_modules/two/index.js").is_file()
    assert len(mirror.requests) == asked


@pytest.mark.nightly
def test_pip_alone_has_no_cache_to_install_from(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InstallError, match="not in its cache") as raised:
        install.install_python(environment, Tools(None, PYTHON))
    assert "uv" in raised.value.todo
