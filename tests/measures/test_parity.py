from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.measures.metrics import OUTPUTS
from pipeline.measures.parity import MAX_DB, compare, logits


def test_equal_outputs_have_no_error() -> None:
    golden = {"y": np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)}
    parity = compare(golden, golden, {})
    assert parity["max_abs_error"] == 0
    assert parity["mean_abs_error"] == 0
    assert parity["cosine"] == pytest.approx(1)
    assert parity["nonfinite"] == 0
    assert parity["logits_max_abs_error"] is None


def test_the_worst_output_and_sample_count() -> None:
    golden = {"a": np.ones((2, 2)), "b": np.array([[1.0, 0.0], [0.0, 1.0]])}
    given = {"a": np.ones((2, 2)), "b": np.array([[1.0, 0.0], [0.5, 1.0]])}
    parity = compare(given, golden, {})
    assert parity["max_abs_error"] == 0.5
    assert parity["mean_abs_error"] == 0.125
    assert parity["cosine"] == pytest.approx(1 / np.sqrt(1.25))
    assert parity["outputs"]["a"]["max_abs_error"] == 0


def test_nan_and_infinity_are_counted_not_averaged_away() -> None:
    golden = {"y": np.zeros((1, 4))}
    given = {"y": np.array([[0.0, np.nan, np.inf, 0.0]])}
    assert compare(given, golden, {})["nonfinite"] == 2


def test_logits_are_recovered_from_a_softmax_up_to_their_mean() -> None:
    raw = np.random.default_rng(1).normal(scale=3, size=(5, 7))
    exponentials = np.exp(raw)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        logits(probabilities), raw - raw.mean(axis=1, keepdims=True), atol=1e-12
    )


def test_an_error_that_probabilities_hide_shows_on_logits() -> None:
    golden = {"p": np.array([[1 - 1e-6, 1e-6]])}
    given = {"p": np.array([[1 - 1e-9, 1e-9]])}
    parity = compare(given, golden, {"p": True})
    assert parity["max_abs_error"] < 1e-5
    assert parity["logits_max_abs_error"] > 3


def test_zero_vectors_agree_and_a_zero_answer_does_not() -> None:
    zero, one = np.zeros((1, 2)), np.ones((1, 2))
    assert compare({"y": zero}, {"y": zero}, {})["cosine"] == 1
    assert compare({"y": zero}, {"y": one}, {})["cosine"] == 0


def test_another_shape_is_no_parity() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3\), the golden \(1, 2\)"):
        compare({"y": np.zeros((1, 3))}, {"y": np.zeros((1, 2))}, {})


def test_relative_error_is_one_for_the_mean_answer() -> None:
    golden = {"y": 100 + np.random.default_rng(2).normal(scale=3, size=(50, 4))}
    mean = {"y": np.broadcast_to(golden["y"].mean(axis=0), (50, 4))}
    assert compare(mean, golden, {})["relative_error"] == pytest.approx(1)
    assert compare(golden, golden, {})["relative_error"] == 0


def test_relative_error_of_a_constant_output_is_by_its_size() -> None:
    golden = {"y": np.full((4, 2), 10.0)}
    assert compare({"y": np.full((4, 2), 10.001)}, golden, {})["relative_error"] < 0.2
    assert compare({"y": np.full((4, 2), 11.0)}, golden, {})["relative_error"] > 1
    zero = {"y": np.zeros((4, 2))}
    assert compare(zero, zero, {})["relative_error"] == 0
    assert compare(golden, zero, {})["relative_error"] > 1


def test_what_is_measured_is_declared() -> None:
    measured = compare(SOFTMAX, SOFTMAX, {"y": True})
    assert measured.keys() - {"outputs", "other_shapes"} == measured["outputs"]["y"].keys()
    assert all(metric.gate for metric in OUTPUTS if metric.name != "nonfinite"), "one always"


SOFTMAX = {"y": np.array([[0.25, 0.75], [0.5, 0.5]])}


def test_elements_near_zero_are_measured_against_the_outputs_size() -> None:
    golden = {"y": np.array([[2.0, -2.0, 1e-9, 2.0]])}
    given = {"y": np.array([[2.0, -2.5, 1e-3, 2.0]])}
    parity = compare(given, golden, {})
    assert parity["elementwise_relative_error"] == pytest.approx(0.25)
    # 1 % of the root mean square, sqrt(3), is the floor: 1e-3 / 0.01732.
    given["y"][0, 1] = -2
    found = compare(given, golden, {})["elementwise_relative_error"]
    assert found == pytest.approx(0.05774, rel=1e-3)


def test_signal_to_noise_is_in_decibel_and_finite() -> None:
    golden = {"y": np.array([[3.0, 4.0]])}
    assert compare({"y": golden["y"] * 1.01}, golden, {})["snr_db"] == pytest.approx(40)
    assert compare({"y": golden["y"] * 11}, golden, {})["snr_db"] == pytest.approx(-20)
    assert compare(golden, golden, {})["snr_db"] == MAX_DB
    zero = {"y": np.zeros((1, 2))}
    assert compare(zero, zero, {})["snr_db"] == MAX_DB
    assert compare(golden, zero, {})["snr_db"] == -MAX_DB


def test_shares_of_elements_that_are_off() -> None:
    golden = {"y": np.zeros((1, 8)), "z": np.zeros((1, 2))}
    given = {"y": np.array([[0, 0, 0, 0.005, 0.05, 0.5, np.nan, -0.5]]), "z": np.zeros((1, 2))}
    parity = compare(given, golden, {})
    assert (parity["share_over_0_01"], parity["share_over_0_1"]) == (0.5, 0.375)
    assert parity["outputs"]["z"]["share_over_0_01"] == 0


def test_whatever_the_outputs_json_holds_the_numbers() -> None:
    rows = np.array([[0.0, 1e-38, 3e38], [0, 0, 0]])
    broken = np.array([[np.nan, np.inf, -3e38], [1, 2, 3]])
    for given, golden in ((broken, rows), (rows, np.zeros_like(rows)), (rows[:, :0], rows[:, :0])):
        parity = compare({"y": given}, {"y": golden}, {"y": golden.size > 0})
        json.dumps(parity, allow_nan=False)
