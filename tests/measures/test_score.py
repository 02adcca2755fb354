"""Scores that are no shares: their intervals, and how much of them an artifact loses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.measures.score import Score, interval, share_of
from pipeline.report.chance import share_in_words
from pipeline.validate.sampling import explain_undecided

CHANCE = np.random.default_rng(0)


def mean_of(values: np.ndarray, metric: str = "top1_accuracy") -> Score:
    return Score(metric, len(values), lambda rows: float(values[rows].mean()))


def test_the_interval_is_that_of_scipys_bootstrap() -> None:
    values = CHANCE.gamma(2.0, size=80)
    ours = interval(lambda rows: float(values[rows].mean()), 80)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=1
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05)
    assert ours == interval(lambda rows: float(values[rows].mean()), 80)


def test_the_same_samples_tell_more_of_a_difference_than_two_intervals_do() -> None:
    hard = CHANCE.random(200)
    source, artifact = mean_of(hard), mean_of(hard - 0.02)
    low, high = artifact.compared(source)["less"]
    assert low == pytest.approx(0.02) and high == pytest.approx(0.02)
    assert source.measured()["low"] < artifact.measured()["high"]


def test_a_loss_beyond_its_bound_within_its_interval_is_undecided() -> None:
    values = CHANCE.random(200)
    noise = CHANCE.normal(0.012, 0.05, 200)
    source, artifact = mean_of(values), mean_of(values - noise)
    measured = artifact.measured() | artifact.compared(source)
    lost = source.of(np.arange(200)) - artifact.of(np.arange(200))
    result = {"samples": 200, "accuracy": measured}
    found = explain_undecided("accuracy_drop", lost, 0.005, result)
    assert found is not None and found.low < 0.005 < lost < found.high
    assert found.needed is not None and found.needed > 200
    steady = mean_of(values - 0.012)
    result = {"samples": 200, "accuracy": steady.measured() | steady.compared(source)}
    assert explain_undecided("accuracy_drop", 0.012, 0.005, result) is None


def test_a_share_has_wilsons_interval_and_counts_what_changed() -> None:
    right = np.arange(100) < 90
    found = share_of("top1_accuracy", right).measured()
    assert (found["value"], found["samples"]) == (0.9, 100)
    assert found["low"] == pytest.approx(0.8256, abs=1e-4)
    fewer = share_of("top1_accuracy", np.roll(right, 5)).compared(share_of("top1_accuracy", right))
    assert fewer == {"lost": 5, "gained": 5}


def test_of_pixels_a_hundredth_of_the_sources_is_what_chance_excuses(distance: str) -> None:
    far = CHANCE.random(200) * 400
    noise = CHANCE.normal(1.5, 20, 200)
    source, artifact = mean_of(far, distance), mean_of(far + noise, distance)
    added = artifact.measured()["value"] - source.measured()["value"]
    result = {"samples": 200, "accuracy": artifact.measured() | artifact.compared(source)}
    low, high = result["accuracy"]["less"]
    assert low < added < high and added < 3
    found = explain_undecided("accuracy_drop", added, added - 1, result)
    assert found is not None and "mean distance added" in share_in_words(found, distance)
    assert f"at most {added - 1:.3g} px allowed" in share_in_words(found, distance)
    assert explain_undecided("accuracy_drop", added, added - 0.011 * 200, result) is None, (
        "of some 200 px"
    )
