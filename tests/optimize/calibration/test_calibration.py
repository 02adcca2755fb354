"""Methods are judged on what they are for: the error of the numbers that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from pipeline.base.errors import PipelineError
from pipeline.graphs.onnx import histogram, observe
from pipeline.graphs.onnx.histogram import Histogram
from pipeline.optimize.int8 import LEVELS, METHODS

RANDOM = np.random.default_rng(0)


def seen(values: Any) -> Histogram:
    values = np.asarray(values, np.float32)
    low, high = observe.round_outward(float(values.min()), float(values.max()))
    return Histogram(low, high, *histogram.count(values, max(-low, high)))


def threshold(method: str, one: Histogram, percentile: float = 99.99) -> float:
    found: float = METHODS[method].threshold(one, LEVELS, percentile)
    return found


def error(values: Any, limits: tuple[float, float]) -> float:
    """Root mean square error of rounding to 256 levels of a range."""
    low, high = limits
    step = (high - low) / (LEVELS - 1)
    rounded = np.clip(np.rint(values / step), np.rint(low / step), np.rint(high / step)) * step
    return float(np.sqrt(np.mean((rounded - values) ** 2)))


#: Most values are small, and a few are fifty times as large.
TAILED = np.concatenate([RANDOM.normal(0, 1, 100_000), RANDOM.normal(0, 50, 20)])


def test_the_methods_are_found_and_minmax_needs_no_second_pass() -> None:
    assert list(METHODS) == ["minmax", "mse", "percentile"]
    assert [name for name, method in METHODS.items() if not method.histogram] == ["minmax"]


def test_mse_has_the_least_error_of_all() -> None:
    one = seen(TAILED)
    errors = {name: error(TAILED, one.clipped(threshold(name, one))) for name in METHODS}
    assert min(errors, key=lambda name: errors[name]) == "mse"
    assert errors["mse"] < 0.95 * errors["minmax"]


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_a_percentile_is_of_magnitudes_and_of_all_values(percentile: float) -> None:
    values = np.concatenate([np.zeros(50_000), RANDOM.exponential(1, 50_000)])
    one = seen(values)
    wanted = np.percentile(values, percentile)
    assert threshold("percentile", one, percentile) == pytest.approx(wanted, abs=2 * one.step)
    assert threshold("percentile", one, 100.0) >= values.max()


def test_only_the_longer_side_is_clipped() -> None:
    # A hard swish ends at -0.375, exactly.
    values = np.concatenate([np.full(1000, -0.375), RANDOM.exponential(1, 99_000), [90.0]])
    for name in ("mse", "percentile"):
        low, high = seen(values).clipped(threshold(name, seen(values)))
        assert (low, high < 90) == (-0.375, True), name


def test_histograms_count_every_value_by_sign_and_size() -> None:
    counts, zeros = histogram.count(np.float32([[-4, -0.001, 0], [0, 1.0001, 4]]), 4.0)
    assert (zeros, counts.sum(axis=1).tolist()) == (2, [2, 2])
    assert (counts[0, [0, -1]].tolist(), counts[1, [512, -1]].tolist()) == ([1, 1], [1, 1])


@pytest.mark.parametrize("peak", [1e-36, 1e-44])
def test_next_to_nothing_has_a_histogram_too(peak: float) -> None:
    one = seen(np.float32([0, -peak, peak / 4]))
    assert (one.zeros, one.counts.sum(axis=1).tolist()) == (1, [1, 1])
    for name in METHODS:
        assert 0 < threshold(name, one) <= one.peak * (1 + 2 / histogram.BINS), name


def doubled() -> Any:
    """y = x + x; z = relu(y)."""
    value = helper.make_tensor_value_info
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Add", ["x", "x"], ["y"]),
                helper.make_node("Relu", ["y"], ["z"]),
            ],
            "g",
            [value("x", TensorProto.FLOAT, [None, 5])],
            [value("z", TensorProto.FLOAT, [None, 5])],
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )


@pytest.mark.parametrize("kept_bytes", [2**20, 1])
def test_the_graph_is_observed_as_it_runs(kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "KEPT_BYTES", kept_bytes)
    values = RANDOM.normal(0, 1, (11, 5)).astype(np.float32)
    ranges = observe.ranges(doubled(), {"x": values})
    assert ranges["y"] == observe.Range(2 * values.min(), 2 * values.max(), ranges["y"].size)
    found = observe.histograms(doubled(), {"x": values}, ranges)
    for name, wanted in (("x", values), ("y", 2 * values), ("z", np.maximum(2 * values, 0))):
        counts, zeros = histogram.count(wanted, found[name].peak)
        assert np.array_equal(found[name].counts, counts), name
        assert found[name].zeros == zeros


def test_what_is_not_finite_is_refused_before_any_histogram() -> None:
    with pytest.raises(PipelineError, match="not finite, in x"):
        observe.ranges(doubled(), {"x": np.full((1, 5), np.nan, np.float32)})
