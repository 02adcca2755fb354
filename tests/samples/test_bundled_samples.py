"""The bundled digits as samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reading import reading
from safetensors.numpy import load_file

from pipeline.base.errors import ConfigError, SourceError
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.read import ReadOptions, read
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample
from pipeline.tensors.signature import TensorSpec

TASK = "image-classification"
IMAGE = TensorSpec("image", "float32", (None, 64, 64, 3))
TO_64 = ImageOptions(size=(64, 64), color="rgb", scale=(-1, 1))


def options(image: ImageOptions | None) -> ReadOptions:
    return reading("bundled", "digits", image, TASK)


def test_splits_as_the_model_reads_them(frozen: Callable[..., dict[str, Path]], work: Path) -> None:
    read(frozen(IMAGE), options(TO_64), work)
    assert json.loads((work / "samples.json").read_text()) == {
        "description": "UCI Optical Recognition of Handwritten Digits",
        "license": "CC-BY-4.0",
        "splits": {"calibration": 1437, "test": 360},
        "labelled": True,
        "task": {"name": TASK, "options": {}, "labels": []},
    }
    images = load_file(work / "test" / "inputs.safetensors")["image"]
    labels = load_file(work / "test" / "truth.safetensors")["label"]
    assert (images.dtype, images.shape) == (np.float32, (360, 64, 64, 3))
    assert (images.min(), images.max()) == (-1, 1)
    assert labels.dtype == np.int64
    assert sorted(set(labels.tolist())) == list(range(10))


def test_without_an_image_input_says_what_to_add(
    frozen: Callable[..., dict[str, Path]], work: Path
) -> None:
    with pytest.raises(ConfigError, match="what they become") as caught:
        read(frozen(IMAGE), options(None), work)
    assert caught.value.todo.startswith("add input, such as {image: {size:")


def test_a_model_of_another_size_is_told_so(
    frozen: Callable[..., dict[str, Path]], work: Path
) -> None:
    big = TensorSpec("image", "float32", (None, 224, 224, 3))
    with pytest.raises(SourceError) as caught:
        read(frozen(big), options(TO_64), work)
    assert str(caught.value) == (
        "samples.bundled: digits: samples for image are [64, 64, 3], the model reads "
        "[224, 224, 3] per sample\n  set size and color of input.image to what the "
        "model reads"
    )


def test_a_model_that_reads_no_image_is_told_so(
    frozen: Callable[..., dict[str, Path]], work: Path
) -> None:
    with pytest.raises(SourceError, match=r"it has text \[\?, 5\]"):
        read(frozen(TensorSpec("text", "int64", (None, 5))), options(TO_64), work)


def test_photos_are_parts_of_pictures_of_real_things(
    frozen: Callable[..., dict[str, Path]], work: Path
) -> None:
    read(frozen(IMAGE), reading("bundled", "photos", TO_64, "tensors"), work)
    about = json.loads((work / "samples.json").read_text())
    assert about["splits"] == {"calibration": 10, "test": 10}
    assert not about["labelled"]
    pictures = load_file(work / "test" / "inputs.safetensors")["image"]
    assert pictures.shape == (10, 64, 64, 3)
    # None is grey, empty or like another one.
    assert pictures.std((1, 2, 3)).min() > 0.1
    apart = np.abs(pictures[:, None] - pictures).mean((2, 3, 4)) + np.eye(10)
    assert apart.min() > 0.05


def test_drawings_know_what_is_in_them(frozen: Callable[..., dict[str, Path]], work: Path) -> None:
    parts = {"boxes": {"output": "boxes", "order": "xyxy"}, "scores": "scores"}
    purpose = Purpose(
        name="object-detection", options=parts, labels=[str(digit) for digit in range(10)]
    )
    large = ImageOptions(size=(256, 256), color="grey", scale=(0, 1))
    image = TensorSpec("image", "float32", (None, 256, 256, 1))
    said = reading("bundled", "drawings", large, "object-detection")
    read(frozen(image), said.model_copy(update={"task": purpose}), work)
    about = json.loads((work / "samples.json").read_text())
    assert about["splits"] == {"calibration": 240, "test": 150} and about["labelled"]
    assert about["license"] == "CC-BY-4.0"
    images = load_file(work / "test" / "inputs.safetensors")["image"]
    truth = PerSample.read(work / "test")
    assert truth is not None
    # Boxes are in pixels of the drawing, of 128 pixels.
    boxes, classes = truth.of("boxes", 0), truth.of("classes", 0)
    assert len(boxes) == len(classes) > 1 and boxes.max() <= 128
    paper = np.median(images[0])
    for left, top, right, bottom in (2 * boxes).astype(int):
        assert np.abs(images[0, top:bottom, left:right] - paper).max() > 0.3
