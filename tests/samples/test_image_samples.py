"""Samples from folders of images, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reading import reading
from safetensors.numpy import load_file

from pipeline.base.errors import SourceError
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples import images
from pipeline.samples.read import read as read_samples
from pipeline.tensors.signature import TensorSpec

SPEC = TensorSpec("image", "float32", (None, 4, 4, 3))
TO_4 = ImageOptions(size=(4, 4), scale=(0, 255))

Read = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder for images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def read(frozen: Callable[..., dict[str, Path]], root: Path, work: Path) -> Read:
    """Reads the folder as samples and gives the samples' folder."""

    def run(image: ImageOptions = TO_4, **more: object) -> Path:
        options = reading("images", {"folder": root, **more}, image, TASK)
        read_samples({**frozen(SPEC), "folder": root}, options, work)
        return work

    return run


TASK = "image-classification"


def paint(path: Path, value: int, size: tuple[int, int] = (4, 4), mode: str = "L") -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)


def test_subfolders_are_classes_in_sorted_order(root: Path, read: Read) -> None:
    for label, name in enumerate(["ant", "bee", "cat"]):
        for index in range(4):
            paint(root / name / f"{index}.png", label * 50 + index, (4 + index, 9))
    folder = read(test_share=0.25)
    assert json.loads((folder / "samples.json").read_text())["splits"] == {
        "calibration": 9,
        "test": 3,
    }
    seen = []
    for split in ("calibration", "test"):
        values = load_file(folder / split / "inputs.safetensors")["image"][:, 0, 0, 0]
        labels = load_file(folder / split / "truth.safetensors")["label"]
        np.testing.assert_array_equal(values // 50, labels)
        seen += values.tolist()
    assert sorted(seen) == [label * 50 + index for label in range(3) for index in range(4)]


def test_a_flat_folder_has_no_labels_and_other_files_are_ignored(root: Path, read: Read) -> None:
    for index in range(3):
        paint(root / f"{index}.jpg", 10 * index)
    (root / "notes.txt").write_text("about these images")
    (root / ".hidden.png").write_text("not an image")
    folder = read()
    assert json.loads((folder / "samples.json").read_text())["labelled"] is False
    assert not list(folder.rglob("truth.safetensors"))


def test_at_most_limit_images_are_used(root: Path, read: Read) -> None:
    for index in range(12):
        paint(root / f"{index:02}.png", index)
    splits = json.loads((read(limit=5) / "samples.json").read_text())["splits"]
    assert splits == {"calibration": 3, "test": 2}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_8_bit_mode_is_read(root: Path, mode: str) -> None:
    path = root / "white.png"
    paint(path, 255, mode=mode)
    pixels = images.decode(path, "white.png")
    assert pixels.dtype == np.uint8
    assert (pixels == 255).all()


def test_a_turned_photograph_is_put_upright(root: Path) -> None:
    path = root / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("L", (8, 2)).save(path, exif=exif)
    assert images.decode(path, "turned.png").shape == (8, 2)


def test_an_unreadable_file_is_named(root: Path, read: Read) -> None:
    paint(root / "a" / "good.png", 1)
    (root / "a" / "torn.png").write_bytes((root / "a" / "good.png").read_bytes()[:40])
    with pytest.raises(SourceError) as caught:
        read()
    assert caught.value.where == "samples.images: photos/a/torn.png"
    assert caught.value.what.startswith("cannot be read as an image (")


def test_a_huge_image_is_refused_before_it_is_unpacked(root: Path, read: Read) -> None:
    paint(root / "huge.png", 0, (9000, 9000), "1")
    with pytest.raises(SourceError, match="has 9000 x 9000 pixels, more than 64,000,000"):
        read()


def test_16_bits_a_channel_are_refused(root: Path, read: Read) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(root / "deep.png")
    with pytest.raises(SourceError, match=r"more than 8 bits a channel \(mode I;16\)"):
        read()


def test_an_empty_folder_is_refused(read: Read) -> None:
    with pytest.raises(SourceError, match="holds no image files"):
        read()


def test_images_beside_class_folders_are_refused(root: Path, read: Read) -> None:
    paint(root / "a" / "1.png", 1)
    paint(root / "2.png", 2)
    with pytest.raises(SourceError, match="both directly and in subfolders"):
        read()


def test_images_of_other_sizes_need_a_size(root: Path, read: Read) -> None:
    paint(root / "1.png", 1, (5, 5))
    paint(root / "2.png", 1, (5, 5))
    with pytest.raises(SourceError, match=r"samples for image are \[5, 5, 3\]"):
        read(ImageOptions())
