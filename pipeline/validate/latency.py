"""What timings say: how fast an artifact is, and how fast against the float32 artifact.

Absolute times on shared machines drift by more than what matters, so artifacts are judged by a
ratio. The artifact (A) and its reference (B) are timed in turn, A B then B A: whatever slows the
machine down for longer than one inference slows both. Two neighbouring pairs are averaged, which
cancels what running first or second costs (a 2x2 crossover). The ratio is the interquartile mean
of these averages: up to a quarter of them may be disturbed on either side without counting.

Its confidence interval is a bootstrap of circular blocks (Politis and Romano 1992): a
disturbance lasts longer than one pair, so neighbours are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.backends.session import Latency

    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000

#: Timed again while half of the interval is wider than this: 3 % of the time.
NARROW = 0.03
#: Seconds that may be spent on making the interval of one artifact on one target narrower.
BUDGET_S = 2.0
#: The most pairs that are timed; more would narrow the interval below what two sessions of one
#: artifact differ by.
MOST_PAIRS = 400

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


def ratio(latency: Latency, reference: str, *, seed: int = 0) -> Ratio | None:
    """The ratio of an artifact's time to its reference's.

    Args:
        latency: ``warm_ms[i]`` and ``reference_ms[i]`` were timed one after the other, the
            artifact first where ``i`` is even.
        seed: of the bootstrap, so that equal times give equal intervals.

    Returns:
        ``None`` where no reference was timed, or too little for an interval.
    """
    import numpy as np

    if latency.reference_ms is None or len(latency.reference_ms) < 4:
        return None
    logs = _crossed(latency.warm_ms, latency.reference_ms)
    centre = float(_midmean(logs))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(_resampled(logs, seed), (tail, 1 - tail))
    # A bootstrap of few values may leave its own centre out.
    bounds = (centre, min(low, centre), max(high, centre))
    value, least, most = (round(math.exp(bound), 4) for bound in bounds)
    return Ratio(value, least, most, CONFIDENCE, len(latency.reference_ms), reference)


def _crossed(warm_ms: list[float], reference_ms: list[float]) -> Floats:
    """Log ratios of an A B pair and the B A pair after it, averaged: [pairs // 2]."""
    import numpy as np

    given, wanted = (np.maximum(times, SMALLEST_MS) for times in (warm_ms, reference_ms))
    logs = np.log(given) - np.log(wanted)
    crossed: Floats = logs[: len(logs) // 2 * 2].reshape(-1, 2).mean(axis=1)
    return crossed


def _midmean(values: Floats) -> Floats:
    """Mean of the middle half along the last axis."""
    import numpy as np

    # Not the median: browsers round their clocks, and a median of few distinct values jumps.
    cut = values.shape[-1] // 4
    middle: Floats = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut].mean(axis=-1)
    return middle


def _resampled(values: Floats, seed: int) -> Floats:
    """The statistic on ``RESAMPLES`` series put together of blocks of ``values``."""
    import numpy as np

    count = len(values)
    # The rate at which the bias and variance of block estimates balance (Hall et al. 1995).
    length = max(1, round(count ** (1 / 3)))
    shape = (RESAMPLES, math.ceil(count / length), 1)
    starts = np.random.default_rng(seed).integers(0, count, shape)
    chosen = ((starts + np.arange(length)) % count).reshape(RESAMPLES, -1)[:, :count]
    centre = _midmean(values)
    # Series of few blocks vary less than the times they stand for do.
    widened = math.sqrt(count / max(1, count - length))
    resampled: Floats = centre + (_midmean(values[chosen]) - centre) * widened
    return resampled


def time_until_narrow(
    time: Callable[[int], Latency], repeats: int, *, budget_s: float = BUDGET_S
) -> Latency:
    """Time ``repeats`` pairs and, where their interval is too wide, once more as many as it takes.

    Two stages (Stein 1945) instead of a look after every pair: to stop at the first narrow
    interval would favour those that are narrow by chance.

    Args:
        time: times that many pairs in sessions opened for them.
        budget_s: how long the second stage may take.
    """
    start = monotonic()
    first = time(repeats)
    more = _pairs_missing(first, budget_s / max(monotonic() - start, 1e-6))
    return _joined(first, time(more)) if more else first


def _pairs_missing(latency: Latency, affordable: float) -> int:
    """How many more pairs to time, at most ``affordable`` times as many as were timed."""
    measured = ratio(latency, "")
    if measured is None:
        return 0
    done = measured.pairs
    half = math.log(measured.high / measured.low) / 2
    if half <= NARROW:
        return 0
    wanted = math.ceil(done * (half / NARROW) ** 2)
    more = min(wanted, int(done * affordable), MOST_PAIRS) // 2 * 2
    return more if more >= done / 2 else 0


def _joined(first: Latency, second: Latency) -> Latency:
    """Two sessions' times; only the first session's first inference was the artifact's first."""
    even = len(first.warm_ms) // 2 * 2
    reference = (first.reference_ms or [])[:even] + (second.reference_ms or [])
    return replace(first, warm_ms=first.warm_ms[:even] + second.warm_ms, reference_ms=reference)


def summary(load_ms: float, latency: Latency, reference: str | None) -> dict[str, Any]:
    """``latency`` of a proof's result, without memory and transport; milliseconds."""
    import numpy as np

    median, p90, p99 = np.percentile(latency.warm_ms, (50, 90, 99))
    times = {
        "load_ms": load_ms,
        "first_ms": latency.first_ms,
        "median_ms": median,
        "p90_ms": p90,
        "p99_ms": p99,
    }
    measured = ratio(latency, reference) if reference else None
    return {
        **{name: round(float(value), 3) for name, value in times.items()},
        "repeats": len(latency.warm_ms),
        "ratio": asdict(measured) if measured else None,
    }


def quotient(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[float, float, float]:
    """Value and interval of one ratio over another one that was measured apart from it.

    The method of variance estimates recovery (Zou and Donner 2008), on logarithms: each
    side's own distance from value to bound, added in squares.
    """
    value, low, high = (math.log(one[key]) for key in ("value", "low", "high"))
    base, base_low, base_high = (math.log(other[key]) for key in ("value", "low", "high"))
    centre = value - base
    below = math.hypot(value - low, base_high - base)
    above = math.hypot(high - value, base - base_low)
    return math.exp(centre), math.exp(centre - below), math.exp(centre + above)
