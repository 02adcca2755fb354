from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import GateError
from pipeline.validate.golden import _check


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
