from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import GateError
from pipeline.model import Signature, TensorSpec
from pipeline.validate.gates import UNBOUNDED
from pipeline.validate.golden import GoldenOptions, _check, _check_bounds


def test_outputs_that_hardly_differ_are_refused() -> None:
    # What a MobileNet with random weights says: 0.001 for every class of every image.
    flat = 0.001 + np.random.default_rng(0).normal(scale=1e-5, size=(16, 1000)).astype(np.float32)
    with pytest.raises(GateError, match="cannot tell a broken model from a good one") as caught:
        _check({"probabilities": flat}, tolerance=1e-4)
    assert caught.value.exit_code == 3


def test_a_single_sample_tells_nothing() -> None:
    with pytest.raises(GateError, match="cannot tell"):
        _check({"y": np.array([[0.0, 1.0]])}, tolerance=1e-4)


def test_one_telling_output_is_enough() -> None:
    outputs = {"count": np.ones((4, 1)), "score": np.eye(4)}
    assert _check(outputs, tolerance=1e-4) == {"count": 0.0, "score": pytest.approx(0.4330127)}


def test_a_source_that_gives_nan_is_refused() -> None:
    with pytest.raises(GateError, match="the source model itself gives NaN or infinity in y"):
        _check({"y": np.array([[0.0], [np.nan]])}, tolerance=1e-4)


def check_bounds(outputs: dict[str, np.ndarray], task: str = "tensors", **bounds: float) -> None:
    specs = tuple(TensorSpec(name, "float32", (None, 2)) for name in outputs)
    options = GoldenOptions(task=task, bounds={"onnx/int8": bounds})
    _check_bounds(outputs, Signature((), specs), options)


def test_bounds_that_the_mean_answer_keeps_are_refused() -> None:
    # Positive and nearly constant: every answer points the same way.
    outputs = {"y": 100 + np.random.default_rng(0).normal(size=(16, 2))}
    with pytest.raises(GateError, match=r"gates of onnx/int8 would let a broken model pass") as e:
        check_bounds(outputs, cosine=0.9)
    assert "the mean answer to every sample" in str(e.value)
    check_bounds(outputs, cosine=0.9, relative_error=0.5)
    check_bounds(outputs, **UNBOUNDED)


def test_classes_tell_when_they_differ() -> None:
    same = {"y": np.tile([[0.1, 0.9]], (8, 1)) + np.arange(8)[:, None] * 1e-3}
    with pytest.raises(GateError, match="would let a broken model pass"):
        check_bounds(same, "image-classification", top1_agreement=0.98)
    check_bounds({"y": np.eye(2)[np.arange(8) % 2]}, "image-classification", top1_agreement=0.98)
