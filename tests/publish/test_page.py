"""What pages load of a release: follows from its manifest, and is found where one is."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import manifests
import pytest
from published import artifact, at, manifest

from pipeline.publish.release import page
from pipeline.publish.release.release import publish
from pipeline.publish.upkeep.copy import copy, source
from pipeline.publish.upkeep.rollback import rollback
from pipeline.publish.upkeep.verify.run import verify
from pipeline.storage import open_storage
from pipeline.storage.layout import PAGE, release_path


def released(folder: Path, number: int = 1) -> dict[str, Any]:
    """One more release; the pointer to it."""
    entry = artifact(folder / f"a{number}", bytes([number]) * 90)
    publish(manifest(entry), at(folder / f"a{number}"), folder / "cdn", "latest")
    pointer: dict[str, Any] = json.loads((folder / "cdn/m/latest.json").read_text())
    return pointer


def kept(value: Any, whole: Any) -> bool:
    """Whether all of a value stands in another one, in the same places and order."""
    if isinstance(value, dict):
        return all(key in whole and kept(one, whole[key]) for key, one in value.items())
    if isinstance(value, list):
        rest = iter(whole)
        return all(any(kept(one, other) for other in rest) for one in value)
    return bool(value == whole)


def test_it_is_a_part_of_the_manifest_and_always_the_same() -> None:
    whole = manifests.manifest(cascade=manifests.cascade("tfjs-graph/uint8", "tfjs-graph/fp32"))
    content = page.encode(whole)
    assert content == page.encode(json.loads(json.dumps(whole)))
    said = json.loads(content)
    assert kept(said, whole)
    assert said["cascade"] == {
        "small": "tfjs-graph/uint8",
        "large": "tfjs-graph/fp32",
        "threshold": 0.9,
    }
    assert said["labels"] == whole["labels"] and said["source"] == {"parameters": 221_114}
    assert len(content) < len(json.dumps(whole)) / 3


def test_all_that_the_kind_of_input_says_is_kept() -> None:
    said = {"image": {"size": [64, 64], "color": "rgb", "scale": [-1, 1], "own": {"more": [1]}}}
    assert json.loads(page.encode(manifests.manifest(input=said)))["input"] == said


def test_proofs_of_what_no_page_runs_are_left_out() -> None:
    said = json.loads(page.encode(manifests.manifest()))
    onnx = next(one for one in said["artifacts"] if one["id"] == "onnx/fp32")
    assert [proof["backend"] for proof in onnx["validation"]] == ["ort-wasm"]
    no_gpu = [
        proof["status"]
        for one in said["artifacts"]
        for proof in one["validation"]
        if (proof["backend"], proof["engine"]) == ("tfjs-webgpu", "webkit")
    ]
    assert no_gpu == ["unavailable"] * 3, "a page has to know where something did not run"


def test_a_pointer_names_both_with_their_digests(tmp_path: Path) -> None:
    pointer = released(tmp_path)
    model = tmp_path / "cdn/m"
    for path, digest in (
        (pointer["manifest"], pointer["sha256"]),
        (pointer["page"]["path"], pointer["page"]["sha256"]),
    ):
        assert path.startswith(f"releases/{pointer['release']}/")
        assert sha256((model / path).read_bytes()).hexdigest() == digest
        assert (model / f"{path}.br").is_file()


def test_a_release_of_before_is_pointed_to_as_it_is(tmp_path: Path) -> None:
    """Nothing is added to what is published: its folder has no such file."""
    first = released(tmp_path)
    cdn = tmp_path / "cdn"
    for file in (cdn / f"m/releases/{first['release']}").glob("page.json*"):
        file.unlink()
    released(tmp_path, 2)
    rollback("m", first["release"], "latest", str(cdn))
    assert json.loads((cdn / "m/latest.json").read_text()).keys() == {
        "release",
        "manifest",
        "sha256",
    }
    assert verify(str(cdn)).faults == []


def test_it_is_copied_with_its_release(tmp_path: Path) -> None:
    pointer = released(tmp_path)
    copy(source(str(tmp_path / "cdn")), open_storage(tmp_path / "other"))
    assert json.loads((tmp_path / "other/m/latest.json").read_text()) == pointer
    assert verify(str(tmp_path / "other")).faults == []


def changed(model: Path, pointer: dict[str, Any]) -> None:
    """One word of it is another, and the pointer says so too."""
    path = model / pointer["page"]["path"]
    content = path.read_bytes().replace(b"tensors", b"tensorz")
    path.write_bytes(content)
    for twin in path.parent.glob("page.json.*"):
        twin.unlink()
    pointer["page"]["sha256"] = sha256(content).hexdigest()


def gone(model: Path, pointer: dict[str, Any]) -> None:
    for path in model.glob(f"releases/{pointer['release']}/page.json*"):
        path.unlink()


def elsewhere(model: Path, pointer: dict[str, Any]) -> None:
    pointer["page"]["path"] = "../other/page.json"


def other(model: Path, pointer: dict[str, Any]) -> None:
    pointer["page"]["sha256"] = "0" * 64


def garbage(model: Path, pointer: dict[str, Any]) -> None:
    pointer["page"] = ["page.json"]


@pytest.mark.parametrize(
    ("damage", "path", "said"),
    [
        (changed, "releases/{}/page.json", "is not what follows from manifest.json"),
        (gone, "releases/{}/page.json", "is missing"),
        (elsewhere, "latest.json", "says another page.json than that of release {}"),
        (other, "latest.json", "says another page.json than that of release {}"),
        (garbage, "latest.json", "says another page.json than that of release {}"),
    ],
)
def test_what_is_wrong_with_it_is_found(tmp_path: Path, damage: Any, path: str, said: str) -> None:
    pointer = released(tmp_path)
    model = tmp_path / "cdn/m"
    damage(model, pointer)
    (model / "latest.json").write_text(json.dumps(pointer))
    (fault,) = verify(str(tmp_path / "cdn")).faults
    assert fault.path == f"m/{path.format(pointer['release'])}"
    assert fault.what == said.format(pointer["release"])


def test_one_release_can_be_verified_by_it(tmp_path: Path) -> None:
    pointer = released(tmp_path)
    found = verify(str(tmp_path / "cdn/m" / release_path(pointer["release"], PAGE)))
    assert [one.id for one in found.releases] == [pointer["release"]] and not found.faults


def test_the_schema_of_pages_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(page.SCHEMA.read_text()))
