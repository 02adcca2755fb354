"""A CDN folder is read as it is, and nothing in it leads out of it or is read without a bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.index import known_index, parse_index, read_index
from pipeline.cdn.listed import list_files
from pipeline.cdn.tree import POINTER_BYTES, Model, Pointer, list_models
from pipeline.manifest.parse import MOST_BYTES, ManifestError
from pipeline.publish.release import channel as channels
from pipeline.publish.release import index
from pipeline.publish.upkeep.clean import clean
from pipeline.storage.local import LocalStorage

ONE, TWO = "1" * 16, "2" * 16


def described(release: str, **more: Any) -> dict[str, Any]:
    sha256 = "0" * 64
    file = {"path": f"files/{sha256}.bin", "sha256": sha256, "bytes": 3, **more}
    artifact = {"id": "onnx/fp32", "files": [file]}
    return {"name": "m", "release": release, "created": "2026-01-01", "artifacts": [artifact]}


def put(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def cdn(tmp_path: Path) -> Path:
    """A model with two releases and a channel; and what is none of ours beside them."""
    for release in (ONE, TWO):
        put(tmp_path / f"m/releases/{release}/manifest.json", described(release))
    put(tmp_path / "m/latest.json", {"release": TWO})
    for other in ("m/releases/notes/manifest.json", "m/releases/.new-1/manifest.json"):
        put(tmp_path / other, described(ONE))
    put(tmp_path / "My model/releases/x/manifest.json", described(ONE))
    put(tmp_path / "client/index.js", "")
    return tmp_path


def test_models_channels_and_releases_are_found(cdn: Path) -> None:
    (model,) = list_models(LocalStorage(cdn))
    assert (model.name, model.channels(), model.releases()) == ("m", {"latest": TWO}, [ONE, TWO])
    manifest = model.release(ONE).manifest()
    assert manifest and [file.path for file in list_files(manifest, "m")] == [
        f"m/files/{'0' * 64}.bin"
    ]
    assert model.release("3" * 16).manifest() is None


@pytest.mark.parametrize("said", [{"release": "../../secret"}, {"release": 1}, [], "{", "[" * 9999])
def test_a_pointer_that_leads_elsewhere_is_none(cdn: Path, said: object) -> None:
    put(cdn / "m/latest.json", said)
    model = Model(LocalStorage(cdn), "m")
    assert model.channels() == {} and dict(model.pointers()) == {"latest": None}
    index.update(model.storage, "m")
    assert read_index(model.storage)["m"]["channels"] == {}


def test_what_is_too_large_is_not_read(cdn: Path) -> None:
    model = Model(LocalStorage(cdn), "m")
    put(cdn / "m/latest.json", json.dumps({"release": ONE}) + " " * POINTER_BYTES)
    assert model.channels() == {}
    with pytest.raises(PipelineError, match="remove this file, then try again"):
        channels.read(model.storage, "m", "latest")
    put(cdn / f"m/releases/{ONE}/manifest.json", json.dumps(described(ONE)) + " " * MOST_BYTES)
    with pytest.raises(ManifestError, match="larger than"):
        model.release(ONE).manifest()


@pytest.mark.parametrize(
    "more",
    [{"path": "../../secret"}, {"bytes": -1}, {"bytes": "3"}, {"br_bytes": "x", "gz_bytes": None}],
)
def test_files_that_lead_elsewhere_are_refused(cdn: Path, more: dict[str, Any]) -> None:
    put(cdn / f"m/releases/{ONE}/manifest.json", described(ONE, **more))
    manifest = Model(LocalStorage(cdn), "m").release(ONE).manifest()
    assert manifest
    with pytest.raises(ManifestError):
        list_files(manifest, "m")


@pytest.mark.parametrize("content", ["[]", "{}", '{"name": "m", "artifacts": ["a"]}', "[" * 9999])
def test_what_is_no_manifest_is_refused(cdn: Path, content: str) -> None:
    put(cdn / f"m/releases/{ONE}/manifest.json", content)
    with pytest.raises(ManifestError):
        Model(LocalStorage(cdn), "m").release(ONE).manifest()


def test_a_manifest_of_another_release_is_not_listed(cdn: Path) -> None:
    put(cdn / f"m/releases/{ONE}/manifest.json", described("../.."))
    model = Model(LocalStorage(cdn), "m")
    assert [one["release"] for one in index.list_releases(model)] == [TWO]


@pytest.mark.parametrize(
    ("name", "channel", "release"),
    [("../m", "latest", ONE), ("m", "../latest", ONE), ("m", "latest", "../../secret")],
)
def test_an_index_that_leads_elsewhere_is_none(
    cdn: Path, name: str, channel: str, release: str
) -> None:
    entry = {"release": ONE, "created": "2026-01-01", "artifacts": []}
    said = {"models": {name: {"channels": {channel: release}, "releases": [entry]}}}
    with pytest.raises(ValueError, match="is no"):
        parse_index(json.dumps(said).encode())
    storage = LocalStorage(cdn)
    with pytest.raises(ConfigError, match="nothing is published there"):
        known_index(storage)
    put(cdn / "index.json", said)
    with pytest.raises(PipelineError, match="is no index"):
        known_index(storage)
    index.update(storage, "m")
    assert read_index(storage)["m"]["channels"] == {"latest": TWO}


def test_a_pointer_says_whatever_it_says_beside_the_release() -> None:
    said = {"release": ONE, "manifest": 1, "page": ["x"]}
    assert Pointer.parse(json.dumps(said).encode()) == Pointer(ONE, 1, None, ["x"])


def test_a_clean_up_leaves_what_is_named_otherwise(cdn: Path) -> None:
    ours = cdn / "m/releases" / ("3" * 16) / "unfinished"
    put(ours, "")
    clean(str(cdn), 2, 0, really=True)
    assert not ours.exists() and not (cdn / "m/releases/.new-1").exists()
    assert (cdn / "m/releases/notes/manifest.json").exists()
