from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from nightly import nightly

from pipeline.backends.session import Latency
from pipeline.measures import latency as module
from pipeline.measures.latency import (
    MOST_PAIRS,
    NARROW,
    SESSIONS,
    Ratio,
    quotient,
    ratio,
    summary,
    time_until_narrow,
)

Rng = np.random.Generator
SEEDS = 250


def steady(rng: Rng, count: int) -> Any:
    return rng.normal(0, 0.03, count)


def drifting(rng: Rng, count: int) -> Any:
    """Autocorrelated: a machine that is slower for some tens of inferences, then faster."""
    steps, level = rng.normal(0, 0.05, count), 0.0
    levels = [level := 0.95 * level + step for step in steps]
    return np.array(levels) + steady(rng, count)


def busy(rng: Rng, count: int) -> Any:
    """Others run in bursts that last for about ten inferences and slow each down by its own."""
    on, slowed = False, np.zeros(count)
    for i in range(count):
        on = rng.random() < (0.9 if on else 0.05)
        slowed[i] = rng.exponential(0.6) if on else 0
    return slowed + steady(rng, count)


def spiked(rng: Rng, count: int) -> Any:
    """One inference in ten is interrupted, for up to several times its length."""
    return (rng.random(count) < 0.1) * rng.exponential(1.5, count) + steady(rng, count)


def timed(noise: Callable[[Rng, int], Any], seed: int, pairs: int, slower: float = 1.0) -> Latency:
    """A 4 ms artifact and its reference in turn; what comes second takes 10 % longer."""
    rng = np.random.default_rng(seed)
    times = 4 * np.exp(noise(rng, 2 * pairs)).reshape(pairs, 2) * (1, 1.1)
    first = np.arange(pairs) % 2 == 0
    warm = np.where(first, times[:, 0], times[:, 1]) * slower
    reference = np.where(first, times[:, 1], times[:, 0])
    return Latency(9.0, warm.tolist(), reference.tolist())


def measured(*args: Any, **kwargs: Any) -> Ratio:
    found = ratio(timed(*args, **kwargs), "onnx/fp32")
    assert found
    return found


#: Few and many pairs, and each noise; nightly each with each.
DRAWN = [
    *((steady, 6), (drifting, 40), (busy, 6), (spiked, 40)),
    *map(nightly, (steady, drifting, busy, spiked), (40, 6, 40, 6)),
]


@pytest.mark.parametrize(("noise", "pairs"), DRAWN)
def test_the_bootstrap_alone_holds_the_truth_as_often(
    noise: Callable[[Rng, int], Any], pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one session; too narrow and too wide are both wrong."""
    monkeypatch.setattr(module, "SESSIONS", 0.0)
    found = [measured(noise, seed, pairs, slower=1.1) for seed in range(SEEDS)]
    held = np.mean([one.low <= 1.1 <= one.high for one in found])
    # Of 250 draws of a 95 % interval, fewer than 90 % or more than 99 % is not chance.
    assert 0.9 <= held <= 0.99
    assert np.mean([one.low > 1.1 for one in found]) <= 0.055


@pytest.mark.parametrize("noise", [steady, drifting, busy, spiked])
def test_the_interval_holds_the_truth_as_often_as_it_says(noise: Callable[[Rng, int], Any]) -> None:
    found = [measured(noise, seed, 40, slower=1.1) for seed in range(SEEDS)]
    held = np.mean([one.low <= 1.1 <= one.high for one in found])
    above = np.mean([one.low > 1.1 for one in found])
    assert held >= 0.95
    assert above <= 0.05
    assert np.median([one.value for one in found]) == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize("noise", [steady, drifting, busy, spiked])
def test_a_planted_slow_down_shows_through_the_noise(noise: Callable[[Rng, int], Any]) -> None:
    def twenty_percent(seed: int) -> Ratio:
        stages = iter((seed, seed + SEEDS))
        latency = time_until_narrow(
            lambda *, repeats, seconds=0.0: timed(noise, next(stages), repeats, slower=1.2),
            20,
            budget_s=1000,
        )
        found = ratio(latency, "onnx/fp32")
        assert found
        return found

    assert np.mean([twenty_percent(seed).low > 1.05 for seed in range(60)]) >= 0.95


def test_what_running_second_costs_is_no_difference() -> None:
    """Without the crossing, half of the pairs say -10 % and half +10 %."""
    found = measured(steady, 3, 40)
    assert found.low < 1 < found.high
    assert found.high / found.low < 1.07


def test_equal_times_give_equal_intervals() -> None:
    assert measured(busy, 5, 30) == measured(busy, 5, 30)


def test_a_clock_of_one_millisecond_still_shows_a_fifth() -> None:
    """WebKit rounds so; a median of such ratios would be 1 for both."""
    latency = timed(drifting, 1, 200, slower=1.2)
    rounded = Latency(9.0, *(np.round(t).tolist() for t in (latency.warm_ms, latency.reference_ms)))
    found = ratio(rounded, "tfjs-graph/fp32")
    assert found
    assert found.value == pytest.approx(1.2, abs=0.05)
    assert found.low > 1.05


def test_times_of_zero_are_times() -> None:
    found = ratio(Latency(1.0, [0.0] * 10, [0.0] * 10), "tfjs-graph/fp32")
    assert found
    assert found.value == 1
    assert (found.low, found.high) == pytest.approx((np.exp(-SESSIONS), np.exp(SESSIONS)), abs=1e-4)


def test_no_ratio_is_zero_however_coarse_the_clock() -> None:
    coarse = ratio(Latency(1.0, [0.0, 0.0, 0.0, 900.0], [900.0, 900.0, 0.0, 900.0]), "x")
    assert coarse is not None and coarse.low > 0
    interval = coarse.value, coarse.low, coarse.high
    assert quotient(interval, interval)[0] == 1.0


def test_without_a_reference_there_is_no_ratio() -> None:
    assert ratio(Latency(1.0, [1.0] * 10), "onnx/fp32") is None
    assert ratio(Latency(1.0, [1.0] * 3, [1.0] * 3), "onnx/fp32") is None


def test_the_summary_has_the_tail_and_the_ratio() -> None:
    latency = Latency(50.0, [float(i) for i in range(1, 101)], [1.0] * 100)
    made = summary(12.3456, latency, "onnx/fp32")
    assert made["load_ms"] == 12.346
    assert made["first_ms"] == 50
    assert (made["median_ms"], made["p90_ms"], made["p99_ms"]) == (50.5, 90.1, 99.01)
    assert made["repeats"] == 100
    assert made["ratio"] == asdict(ratio(latency, "onnx/fp32"))  # type: ignore[arg-type]
    assert made["ratio"]["pairs"] == 100
    assert summary(1.0, latency, None)["ratio"] is None


def test_narrow_intervals_are_not_timed_again() -> None:
    asked = []

    def time(*, repeats: int, seconds: float = 0.0) -> Latency:
        asked.append((repeats, seconds))
        return timed(steady, 0, repeats)

    assert len(time_until_narrow(time, 60, seconds=0.5).warm_ms) == 60
    assert asked == [(60, 0.5)]


def test_wide_intervals_are_timed_once_more_until_they_should_be_narrow() -> None:
    asked = []

    def time(*, repeats: int, seconds: float = 0.0) -> Latency:
        asked.append(repeats)
        return timed(busy, len(asked), repeats)

    latency = time_until_narrow(time, 21, budget_s=1000)
    assert asked[0] == 21
    assert len(asked) == 2
    assert 21 < asked[1] <= MOST_PAIRS
    # An odd pair is left out, so that each A B keeps its B A.
    assert len(latency.warm_ms) == len(latency.reference_ms or []) == 20 + asked[1]
    first, both = ratio(timed(busy, 1, 21), "x"), ratio(latency, "x")
    assert first
    assert both
    assert np.log(both.high / both.low) < np.log(first.high / first.low)
    assert np.log(first.high / first.low) / 2 > NARROW


def test_no_more_time_is_spent_than_the_budget() -> None:
    asked = []

    def time(*, repeats: int, seconds: float = 0.0) -> Latency:
        asked.append(repeats)
        return timed(busy, len(asked), repeats)

    time_until_narrow(time, 20, budget_s=0)
    assert asked == [20]


def test_a_quotient_of_ratios_adds_both_uncertainties() -> None:
    value, low, high = quotient((1.2, 1.2 / 1.03, 1.2 * 1.03), (1.0, 1 / 1.04, 1.04))
    assert value == pytest.approx(1.2)
    half = np.hypot(np.log(1.03), np.log(1.04))
    assert (low, high) == pytest.approx((1.2 * np.exp(-half), 1.2 * np.exp(half)))
