"""Samples of COCO's annotations, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from reading import reading

from pipeline.base.errors import SourceError
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples import coco
from pipeline.samples.read import read as read_samples
from pipeline.tensors.per_sample import ORIGINS, PerSample
from pipeline.tensors.signature import TensorSpec

SPEC = TensorSpec("image", "float32", (None, 8, 8, 3))
LETTERBOX = ImageOptions(size=(8, 8), fit="letterbox", scale=(0, 255))
TASK = {
    "name": "object-detection",
    "options": {"boxes": "boxes", "scores": "scores"},
    "labels": ["dog", "", "cat"],
}

#: Categories whose numbers are not in the order of their names.
OTHERS = ((18, "dog"), (3, "car"))

Read = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of different sizes, and what is in them."""
    (tmp_path / "images" / "part").mkdir(parents=True)
    names = ["a.png", "part/b.png", "c.png", "d.png"]
    for number, name in enumerate(names):
        Image.new("RGB", (10 + number, 20), (number, 0, 0)).save(tmp_path / "images" / name)
    write(tmp_path, {
        "images": [{"id": 7 * n, "file_name": name} for n, name in enumerate(names)],
        "categories": [{"id": 17, "name": "cat"}, *({"id": n, "name": t} for n, t in OTHERS)],
        "annotations": [
            {"image_id": 0, "category_id": 17, "bbox": [1, 2, 3, 4], "iscrowd": 0, "area": 12},
            {"image_id": 0, "category_id": 18, "bbox": [0.5, 0, 9, 9.5], "iscrowd": 1},
            {"image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]},
            {"image_id": 14, "category_id": 18, "bbox": [4, 4, 2, 2], "segmentation": [[1, 2]]},
        ],
    })  # fmt: skip
    return tmp_path


def write(folder: Path, data: Any) -> None:
    (folder / "boxes.json").write_text(json.dumps(data))


def change(folder: Path, key: str, record: dict[str, Any]) -> None:
    data = json.loads((folder / "boxes.json").read_text())
    data[key].append(record)
    write(folder, data)


@pytest.fixture
def read(frozen: Callable[..., dict[str, Path]], folder: Path, work: Path) -> Read:
    def run(**more: object) -> Path:
        files = {"images": folder / "images", "annotations": folder / "boxes.json"}
        options = reading("coco", {**files, **more}, LETTERBOX, TASK)
        read_samples({**frozen(SPEC), **files}, options, work)
        return work

    return run


def test_objects_are_the_truth_in_pixels_of_each_image(read: Read) -> None:
    work, found = read(), {}
    for split in ("calibration", "test"):
        truth, origins = (PerSample.read(work / split, *file) for file in ((), (ORIGINS,)))
        assert truth is not None and origins is not None and len(truth) == len(origins) == 2
        for row in range(2):
            width = int(origins.of("size", row)[1])
            found[width] = {name: values.tolist() for name, values in truth.sample(row).items()}
    none: dict[str, Any] = {"boxes": [], "classes": [], "crowd": []}
    dog = {"boxes": [[4, 4, 6, 6]], "classes": [0], "crowd": [0]}
    both = {"boxes": [[1, 2, 4, 6], [0.5, 0, 9.5, 9.5]], "classes": [2, 0], "crowd": [0, 1]}
    assert found == {10: both, 11: none, 12: dog, 13: none}, "a car the model does not know"
    described = json.loads((work / "samples.json").read_text())
    assert described["description"] == "boxes.json" and described["labelled"]


def test_some_of_the_images_are_used(read: Read) -> None:
    work = read(limit=3, test_share=0.3)
    counts = [len(PerSample.read(work / split) or ()) for split in ("calibration", "test")]
    assert counts == [2, 1]


@pytest.mark.parametrize(
    ("key", "record", "said"),
    [
        ("images", {"id": 99, "file_name": "../boxes.json"}, "outside of the folder: ../boxes"),
        ("images", {"id": 99, "file_name": "/etc/passwd"}, "outside of the folder"),
        ("images", {"id": 99, "file_name": "gone.png"}, "not in the folder: gone.png"),
        ("images", {"id": 99}, "lacks a field .*file_name"),
        ("annotations", {"image_id": 0, "category_id": 5, "bbox": [0, 0, 1, 1]}, "lacks a field"),
        ("annotations", {"image_id": 0, "category_id": 17, "bbox": None}, "None is no box"),
        ("annotations", 7, "another kind of value"),
        (
            "annotations",
            {"image_id": 0, "category_id": 17, "bbox": [0, 0, 1, 1], "keypoints": [1, 2]},
            "another kind of value",
        ),
        (
            "annotations",
            {"image_id": 0, "category_id": 17, "bbox": [0, 0, 1, 1], "keypoints": [1, 2, 2]},
            "another kind of value",
        ),
    ],
)
def test_what_is_wrong_is_said(read: Read, folder: Path, key: str, record: Any, said: str) -> None:
    change(folder, key, record)
    with pytest.raises(Exception, match=said):
        read(limit=9)


def test_keypoints_are_the_truth_of_poses(
    frozen: Callable[..., dict[str, Path]], folder: Path, work: Path
) -> None:
    category = {"id": 1, "name": "person", "keypoints": ["left_eye", "nose", "tail"]}
    change(folder, "categories", category)
    body = {"image_id": 14, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 5,
            "keypoints": [1, 2, 2, 3, 4, 1, 9, 9, 2]}  # fmt: skip
    change(folder, "annotations", body)
    files = {"images": folder / "images", "annotations": folder / "boxes.json"}
    task = {"name": "pose-estimation", "options": {"points": {"output": "p"}, "score": "s"}}
    options = reading("coco", files, LETTERBOX, task)
    read_samples({**frozen(SPEC), **files}, options, work)
    truths = [PerSample.read(work / split) for split in ("calibration", "test")]
    bodies = [truth.sample(row) for truth in truths if truth for row in range(len(truth))]
    (there,) = (one for one in bodies if len(one["boxes"]))
    assert there["boxes"].tolist() == [[1, 2, 3, 4]] and there["areas"].tolist() == [5]
    assert there["points"][0, :3].tolist() == [[3, 4, 1], [1, 2, 2], [0, 0, 0]]
    assert not there["points"][0, 3:].any(), "COCO has no tail, and nobody told the rest"


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"images": []}'])
def test_other_files_are_refused(read: Read, folder: Path, text: str) -> None:
    (folder / "boxes.json").write_text(text)
    with pytest.raises(SourceError, match=r"samples\.coco: boxes\.json"):
        read()


def test_a_file_that_is_too_large_is_not_read(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="has more than"):
        read()
