"""Made-up samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading import reading
from safetensors.numpy import load_file

from pipeline.base.errors import SourceError
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.read import read
from pipeline.tensors.signature import TensorSpec

Arrays = dict[str, np.ndarray]


@pytest.fixture
def make(
    frozen: Callable[..., dict[str, Path]], tmp_path: Path
) -> Callable[..., dict[str, Arrays]]:
    """Makes samples for inputs and gives both splits' arrays."""

    def run(
        *specs: TensorSpec, image: ImageOptions | None = None, name: str = "made", **more: Any
    ) -> dict[str, Arrays]:
        work = tmp_path / name
        work.mkdir()
        inputs = {"frozen": tmp_path / "frozen"} if name != "made" else frozen(*specs)
        read(inputs, reading("random", more, image), work)
        return {
            split: load_file(work / split / "inputs.safetensors")
            for split in ("calibration", "test")
        }

    return run


def test_each_dtype_has_its_values(make: Callable[..., dict[str, Arrays]]) -> None:
    made = make(
        TensorSpec("image", "float32", (None, 32, 48, 3)),
        TensorSpec("first", "float32", (1, 3, 32, 32)),
        TensorSpec("photo", "uint8", (None, 20, 20, 3)),
        TensorSpec("vector", "float32", (None, 500)),
        TensorSpec("ids", "int64", (None, 300)),
        TensorSpec("mask", "bool", (None, 300)),
        image=ImageOptions(scale=(2, 5)),
        count=4,
    )["test"]
    assert {name: (str(v.dtype), v.shape) for name, v in made.items()} == {
        "image": ("float32", (4, 32, 48, 3)),
        "first": ("float32", (4, 3, 32, 32)),
        "photo": ("uint8", (4, 20, 20, 3)),
        "vector": ("float32", (4, 500)),
        "ids": ("int64", (4, 300)),
        "mask": ("bool", (4, 300)),
    }
    for name in ("image", "first"):
        assert 2 <= made[name].min() < 3.5 < made[name].max() <= 5
    assert np.ptp(made["photo"]) > 100
    assert abs(made["vector"].std() - 1) < 0.1
    assert set(made["ids"].flat) == set(range(8))
    assert set(made["mask"].flat) == {True, False}


def test_images_are_smooth_and_unlike_one_another(
    make: Callable[..., dict[str, Arrays]],
) -> None:
    images = make(TensorSpec("image", "float32", (None, 64, 64, 3)))["test"]["image"]
    next_to_each_other = np.abs(np.diff(images, axis=2)).mean()
    anywhere = np.abs(images - images[:, ::-1, ::-1]).mean()
    assert next_to_each_other < anywhere / 3
    assert images.mean(axis=(1, 2, 3)).std() > 0.1
    apart = [np.abs(a - b).mean() for i, a in enumerate(images) for b in images[:i]]
    assert min(apart) > 0.05


def test_the_seed_and_the_split_decide(make: Callable[..., dict[str, Arrays]]) -> None:
    spec = TensorSpec("v", "float32", (None, 5))
    first, again, other = (
        make(spec, seed=seed, name=name) for name, seed in [("made", 0), ("b", 0), ("c", 1)]
    )
    np.testing.assert_array_equal(first["test"]["v"], again["test"]["v"])
    assert (first["test"]["v"] != other["test"]["v"]).all()
    assert (first["test"]["v"] != first["calibration"]["v"]).all()


def test_free_sizes_are_asked_for(make: Callable[..., dict[str, Arrays]]) -> None:
    with pytest.raises(SourceError) as caught:
        make(TensorSpec("ids", "int32", (None, None)))
    assert str(caught.value) == (
        "samples.random: input ids [?, ?] has 1 free sizes beside the batch, and 0 are given\n"
        "  set samples.random.sizes to {ids: [128]}"
    )


def test_free_sizes_come_from_sizes_or_the_image(make: Callable[..., dict[str, Arrays]]) -> None:
    made = make(
        TensorSpec("ids", "int32", (None, None)),
        TensorSpec("image", "float32", (None, None, None, 3)),
        sizes={"ids": [7]},
        image=ImageOptions(size=(24, 32)),
    )["test"]
    assert made["ids"].shape == (16, 7)
    assert made["image"].shape == (16, 24, 32, 3)


def test_sizes_of_an_unknown_input_are_refused(make: Callable[..., dict[str, Arrays]]) -> None:
    with pytest.raises(SourceError, match="the model has no input y; it has x"):
        make(TensorSpec("x", "float32", (None, 2)), sizes={"y": [1]})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TensorSpec("s", "string", (None,)), "input s is string, for which no samples"),
        (TensorSpec("t", "float32", ()), "input t is a single number"),
    ],
)
def test_some_inputs_cannot_be_made_up(
    make: Callable[..., dict[str, Arrays]], spec: TensorSpec, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        make(spec)


def test_more_than_memory_holds_is_refused(make: Callable[..., dict[str, Arrays]]) -> None:
    with pytest.raises(SourceError, match=r"samples would take 372\.5 GiB, more than 2 GiB"):
        make(TensorSpec("x", "float32", (None, 10**7)), count=10_000)
