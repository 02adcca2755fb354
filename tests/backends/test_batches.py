"""Batches: whatever a model takes, n samples go in and n come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.signature import TensorSpec


def spec(name: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, "float32", shape)


class Recorder:
    """A model that doubles ``x`` and remembers the shapes it was given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        self.shapes.append(batch["x"].shape)
        return {"y": batch["x"] * 2}


@pytest.mark.parametrize(
    ("count", "batch", "shapes"),
    [
        (3, None, [(3, 2)]),
        (64, None, [(64, 2)]),
        (66, None, [(64, 2), (64, 2)]),
        (3, 1, [(1, 2)] * 3),
        (5, 4, [(4, 2), (4, 2)]),
    ],
)
def test_every_sample_once_in_batches_of_one_size(
    count: int, batch: int | None, shapes: list[tuple[int, ...]]
) -> None:
    x = np.arange(count * 2, dtype="float32").reshape(count, 2)
    model = Recorder()
    outputs = infer_in_batches(model, {"x": x}, [spec("x", batch, 2)])
    np.testing.assert_array_equal(outputs["y"], x * 2)
    assert model.shapes == shapes


def test_large_samples_go_in_smaller_batches() -> None:
    x = np.zeros((5, 3 * 2**18), "float32")
    model = Recorder()
    assert infer_in_batches(model, {"x": x}, [spec("x", None, 3 * 2**18)])["y"].shape == x.shape
    assert [shape[0] for shape in model.shapes] == [2, 2, 2]


def test_an_input_without_a_batch_dimension_makes_samples_go_one_by_one() -> None:
    x, k = np.arange(6, dtype="float32").reshape(3, 2), np.array([1, 2, 3], "float32")
    outputs = infer_in_batches(
        lambda batch: {"y": batch["x"][0] * batch["k"]},
        {"x": x, "k": k},
        [spec("x", 1, 2), spec("k")],
    )
    np.testing.assert_array_equal(outputs["y"], x * k[:, None])


def test_output_without_a_batch_dimension_of_a_batch_of_one() -> None:
    x = np.arange(3, dtype="float32")[:, None]
    outputs = infer_in_batches(lambda b: {"y": b["x"].sum()}, {"x": x}, [spec("x", 1, 1)])
    np.testing.assert_array_equal(outputs["y"], [0, 1, 2])


def test_output_that_does_not_follow_a_fixed_batch_is_an_error() -> None:
    x = np.zeros((3, 2), "float32")
    with pytest.raises(PipelineError, match=r'output "y" has shape \(\) for a batch of 3'):
        infer_in_batches(lambda b: {"y": b["x"].sum()}, {"x": x}, [spec("x", 3, 2)])


def test_output_that_does_not_follow_a_free_batch_is_each_samples_own() -> None:
    x = np.array([[1, 2], [3, 4], [5, 6]], "float32")
    outputs = infer_in_batches(lambda b: {"y": b["x"].sum()}, {"x": x}, [spec("x", None, 2)])
    assert [float(value) for value in outputs["y"]] == [3, 7, 11]


def test_outputs_of_varying_shape_keep_each_samples_own() -> None:
    x = np.array([[1], [2]], "float32")
    outputs = infer_in_batches(
        lambda b: {"y": np.zeros((1, int(b["x"][0, 0])))}, {"x": x}, [spec("x", 1, 1)]
    )
    assert [values.shape for values in outputs["y"]] == [(1,), (2,)]


def test_wrong_names_are_an_error() -> None:
    with pytest.raises(PipelineError, match=r"the inputs are \['z'\], the artifact takes \['x'\]"):
        infer_in_batches(Recorder(), {"z": np.zeros((1, 2))}, [spec("x", None, 2)])


@pytest.mark.parametrize(("a", "b"), [((2, 1), (3, 1)), ((0, 1), (0, 1))])
def test_numbers_of_samples_must_agree(a: tuple[int, int], b: tuple[int, int]) -> None:
    with pytest.raises(PipelineError, match="inputs need the same number of samples"):
        infer_in_batches(
            Recorder(),
            {"x": np.zeros(a), "w": np.zeros(b)},
            [spec("x", None, 1), spec("w", None, 1)],
        )
