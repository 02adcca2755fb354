"""What timings say: how fast an artifact is, and how fast against the float32 artifact.

Absolute times on shared machines drift by more than what matters, so artifacts are judged by a
ratio. The artifact (A) and its reference (B) are timed in turn, A B then B A: whatever slows the
machine down for longer than one inference slows both, and each comes second as often.

Others only ever add time, and most of all to the slower half of what was timed (Chen and Revels
2016). So the ratio is that of the undisturbed times: the mean of those between the 5th and the
40th percentile, of each side. In a browser on a busy machine this varied a quarter as much from
session to session as medians or ratios of pairs do. What is slow now and then is what ``p90_ms``
and ``p99_ms`` tell.

The confidence interval is a bootstrap of circular blocks (Politis and Romano 1992): a disturbance
lasts longer than one inference, so neighbours are drawn together, and an A B always with its B A.
To it is added what two sessions of one artifact lie apart by, which no times of one session show.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.tensors.arrays import Float64s, np

if TYPE_CHECKING:
    from pipeline.backends.session import Latency


#: A value, and the bounds of its interval.
Interval = tuple[float, float, float]

CONFIDENCE = 0.95
RESAMPLES = 2000

#: Half of the interval that one more session would add. Where a session's memory lies makes it
#: slower or faster all the while (Mytkowicz et al. 2009): ratios of an artifact to itself had a
#: standard deviation of 0.2 to 0.6 % here, and a mean of up to 0.6 % by which was opened first.
SESSIONS = 0.02

#: Timed again while half of the bootstrap's interval is wider than this: 3 % of the time.
NARROW = 0.03
#: Seconds of warm-ups, and of timed inferences, of one artifact on one target. V8 was seen to
#: compile WebAssembly a second time within the first 0.1 s, and code to run three times as fast.
TIMED_S = 0.3
#: Seconds that may be spent on making an interval narrower.
BUDGET_S = 1.0
#: The most pairs that are timed for it.
MOST_PAIRS = 400
#: Below this there is no interval.
FEWEST_PAIRS = 4

#: Between which shares of the sorted times no one else took part of the processor.
FASTEST = (0.05, 0.4)

#: Rounding makes no ratio zero: its logarithm must stay finite too.
SMALLEST_RATIO = 1e-4

#: Times below a clock's resolution come as zero; its logarithm must stay finite.
SMALLEST_MS = 1e-3


@dataclass(frozen=True)
class Ratio:
    """How much longer an artifact takes than its reference; under 1 is faster."""

    value: float
    low: float
    high: float
    confidence: float
    pairs: int
    reference: str
    """The reference's artifact id."""
    reference_ms: float
    """The reference's median in the very session that gave the ratio."""


def ratio(latency: Latency, reference: str, *, seed: int = 0) -> Ratio | None:
    """The ratio of an artifact's time to its reference's.

    Args:
        latency: ``warm_ms[i]`` and ``reference_ms[i]`` were timed one after the other, the
            artifact first where ``i`` is even.
        seed: of the bootstrap, so that equal times give equal intervals.

    Returns:
        ``None`` where no reference was timed, or too little for an interval.
    """
    if latency.reference_ms is None or len(latency.reference_ms) < FEWEST_PAIRS:
        return None
    centre, below, above = _interval(_units(latency.warm_ms, latency.reference_ms), seed)
    bounds = (centre, centre - math.hypot(below, SESSIONS), centre + math.hypot(above, SESSIONS))
    value, low, high = (max(round(math.exp(bound), 4), SMALLEST_RATIO) for bound in bounds)
    pairs, reference_ms = len(latency.reference_ms), round(median(latency.reference_ms), 3)
    return Ratio(value, low, high, CONFIDENCE, pairs, reference, reference_ms)


def _interval(units: Float64s, seed: int = 0) -> tuple[float, float, float]:
    """The log ratio, and how far below and above it the bootstrap's interval reaches."""
    centre = float(_log_ratio(units))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(_resample(units, seed), (tail, 1 - tail))
    # A bootstrap of few values may leave its own centre out.
    return centre, max(0.0, centre - low), max(0.0, high - centre)


def _units(warm_ms: list[float], reference_ms: list[float]) -> Float64s:
    """Each A B with the B A after it: [2 (artifact, reference), units, 2]."""
    even = len(warm_ms) // 2 * 2
    times = np.array([warm_ms[:even], reference_ms[:even]], np.float64)
    units: Float64s = np.maximum(times, SMALLEST_MS).reshape(2, -1, 2)
    return units


def _log_ratio(units: Float64s) -> Float64s:
    """[2, …, units, 2] -> [...]."""
    times = np.sort(units.reshape(*units.shape[:-2], -1), axis=-1)
    count = times.shape[-1]
    # A mean and no percentile: browsers round their clocks, and of few distinct values it jumps.
    undisturbed = times[..., int(count * FASTEST[0]) : math.ceil(count * FASTEST[1])].mean(axis=-1)
    ours, reference = np.log(undisturbed)
    difference: Float64s = ours - reference
    return difference


def _student(freedom: int) -> float:
    """How much wider Student's interval is than a normal one (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    first = (z**2 + 1) / (4 * freedom)
    return 1 + first + (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)


def _resample(units: Float64s, seed: int) -> Float64s:
    """The log ratio of ``RESAMPLES`` series put together of blocks of units."""
    count = units.shape[1]
    # The rate at which the bias and variance of block estimates balance (Hall et al. 1995).
    length = max(1, round(count ** (1 / 3)))
    shape = (RESAMPLES, math.ceil(count / length), 1)
    starts = np.random.default_rng(seed).integers(0, count, shape)
    rows = ((starts + np.arange(length)) % count).reshape(RESAMPLES, -1)[:, :count]
    centre = _log_ratio(units)
    # Series of few blocks vary less than the times they stand for do (Hesterberg 2015).
    widened = math.sqrt(count / max(1, count - length)) * _student(count - 1)
    resampled: Float64s = centre + (_log_ratio(units[:, rows]) - centre) * widened
    return resampled


class Timer(Protocol):
    """Times so many pairs, and for so many seconds, in sessions opened for them."""

    def __call__(self, *, repeats: int, seconds: float = ...) -> Latency: ...


def time_until_narrow(
    time: Timer,
    repeats: int,
    *,
    seconds: float = TIMED_S,
    budget_s: float = BUDGET_S,
) -> Latency:
    """Time pairs and, where their interval is too wide, once more as many as it takes.

    Two stages (Stein 1945) instead of a look after every pair: to stop at the first narrow
    interval would favour those that are narrow by chance.

    Args:
        time: a session's ``latency``, with all that stays the same already given.
        budget_s: of timed inferences in the second stage.
    """
    first = time(repeats=repeats, seconds=seconds)
    more = _pairs_missing(first, budget_s)
    return _join_sessions(first, time(repeats=more)) if more else first


def _pairs_missing(latency: Latency, budget_s: float) -> int:
    """How many more pairs to time; 0 where so many as would help take longer than ``budget_s``."""
    pairs = len(latency.reference_ms or ())
    if latency.reference_ms is None or pairs < FEWEST_PAIRS:
        return 0
    _, below, above = _interval(_units(latency.warm_ms, latency.reference_ms))
    half = (below + above) / 2
    if half <= NARROW:
        return 0
    needed = math.ceil(pairs * (half / NARROW) ** 2)
    pair_s = (sum(latency.warm_ms) + sum(latency.reference_ms)) / pairs / 1000
    more = min(needed, int(budget_s / max(pair_s, 1e-9)), MOST_PAIRS) // 2 * 2
    return more if more >= pairs / 2 else 0


def _join_sessions(first: Latency, second: Latency) -> Latency:
    """Two sessions' times; only the first session's first inference was the artifact's first."""
    even = len(first.warm_ms) // 2 * 2
    reference = (first.reference_ms or [])[:even] + (second.reference_ms or [])
    return replace(first, warm_ms=first.warm_ms[:even] + second.warm_ms, reference_ms=reference)


def summary(load_ms: float, latency: Latency, reference: str | None) -> dict[str, Any]:
    """``latency`` of a proof's result, without memory and transport; milliseconds."""
    middle, p90, p99 = np.percentile(latency.warm_ms, (50, 90, 99))
    times = {
        "load_ms": load_ms,
        "first_ms": latency.first_ms,
        "median_ms": middle,
        "p90_ms": p90,
        "p99_ms": p99,
    }
    measured = ratio(latency, reference) if reference else None
    return {
        **{name: round(float(value), 3) for name, value in times.items()},
        "repeats": len(latency.warm_ms),
        "ratio": asdict(measured) if measured else None,
    }


def quotient(ratio: Interval, base_ratio: Interval) -> Interval:
    """Value and interval of one ratio over another one that was measured apart from it.

    The method of variance estimates recovery (Zou and Donner 2008), on logarithms: each
    side's own distance from value to bound, added in squares.
    """
    value, low, high = map(math.log, ratio)
    base, base_low, base_high = map(math.log, base_ratio)
    centre = value - base
    below = math.hypot(value - low, base_high - base)
    above = math.hypot(high - value, base - base_low)
    return math.exp(centre), math.exp(centre - below), math.exp(centre + above)
