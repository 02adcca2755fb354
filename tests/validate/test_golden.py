from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipeline.base.errors import GateError
from pipeline.tasks.find import Purpose
from pipeline.validate.answers import Answers
from pipeline.validate.golden import _check_finite, _spread
from pipeline.validate.telling import CheckOptions, check, check_bounds, check_spread
from pipeline.validate.tolerances import WIDEST

BOUNDS = {"onnx/fp32": {"max_abs_error": 1e-4}}


def spread(**outputs: np.ndarray) -> dict[str, float]:
    return {name: _spread(values) for name, values in outputs.items()}


def test_outputs_that_hardly_differ_are_refused() -> None:
    # What a MobileNet with random weights says: 0.001 for every class of every image.
    flat = 0.001 + np.random.default_rng(0).normal(scale=1e-5, size=(16, 1000)).astype(np.float32)
    with pytest.raises(GateError, match="cannot tell a broken model from a good one") as caught:
        check_spread(spread(probabilities=flat), BOUNDS)
    assert caught.value.exit_code == 3


def test_a_single_sample_is_called_one(tmp_path: Path) -> None:
    """As an npz of two leaves it: one to calibrate with, and one to test."""
    facts = {"count": 1, "outputs": {"y": {"spread": 0.0, "softmax": False}}}
    (tmp_path / "golden.json").write_text(json.dumps(facts))
    save_file({"y": np.array([[0.0, 1.0]])}, tmp_path / "outputs.safetensors")
    options = CheckOptions(task=Purpose(name="tensors"), bounds=BOUNDS)
    with pytest.raises(GateError, match="there is one test sample: 2 are needed") as caught:
        check({"golden": tmp_path}, options, tmp_path)
    assert caught.value.todo.startswith("give more samples: half of them become test samples")


def test_one_telling_output_is_enough() -> None:
    found = spread(count=np.ones((4, 1)), score=np.eye(4))
    assert found == {"count": 0.0, "score": pytest.approx(0.4330127)}
    check_spread(found, BOUNDS)
    with pytest.raises(GateError, match=r"tolerance of 0\.1"):
        check_spread(found, {"onnx/fp32": {"max_abs_error": 0.1}})


def test_a_source_that_gives_nan_is_refused() -> None:
    with pytest.raises(GateError, match="the source model itself gives NaN or infinity in y"):
        _check_finite({"y": np.array([[0.0], [np.nan]])})


def held_to(outputs: dict[str, np.ndarray], task: str = "tensors", **bounds: float) -> None:
    check_bounds(outputs, {}, Answers.of(Purpose(name=task), {}), {"onnx/int8": bounds})


def test_bounds_that_the_mean_answer_keeps_are_refused() -> None:
    # Positive and nearly constant: every answer points the same way.
    outputs = {"y": 100 + np.random.default_rng(0).normal(size=(16, 2))}
    with pytest.raises(GateError, match=r"gates of onnx/int8 would let a broken model pass") as e:
        held_to(outputs, cosine=0.9)
    assert "the mean answer to every sample" in str(e.value)
    held_to(outputs, cosine=0.9, relative_error=0.5)
    held_to(outputs, relative_error=WIDEST)


def test_classes_tell_when_they_differ() -> None:
    same = {"y": np.tile([[0.1, 0.9]], (8, 1)) + np.arange(8)[:, None] * 1e-3}
    with pytest.raises(GateError, match="would let a broken model pass"):
        held_to(same, "image-classification", top1_agreement=0.98)
    held_to({"y": np.eye(2)[np.arange(8) % 2]}, "image-classification", top1_agreement=0.98)


def test_bounds_that_chance_would_excuse_are_refused() -> None:
    """In order, each sample's answer to the next is wrong on 2 of 200: 0.99, as good as 0.995."""
    scores = np.eye(2)[(np.arange(200) < 100).astype(int)] + np.arange(200)[:, None] * 1e-3
    with pytest.raises(GateError, match="each sample's answer to the next"):
        held_to({"y": scores}, "image-classification", top1_agreement=0.995)
