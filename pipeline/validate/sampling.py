"""What so many samples can tell: bounds on shares of samples, and the chance in them.

A share of a few hundred samples moves by chance more than bounds allow: of 360 samples two are
0.56 points. So a bound on a share is missed where all of its 95 % interval is beyond the bound, as
one on latency is. A share beyond its bound within the interval passes, and is reported.

That must not excuse damage. Of 20 samples, three could be lost for a bound of half a point. So
never more than ``MOST_EXCUSED`` beyond the bound is passed: few samples are judged by what was
measured, as if there were no interval. Intervals are not widened for the number of artifacts and
targets: an artifact's answers to the same samples hardly differ between targets, and wider
intervals would excuse more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, sqrt
from typing import Any

from pipeline.measures.metrics import metric_of
from pipeline.measures.proportion import paired_difference, wilson

#: One point, or a hundredth of what is no share: the furthest beyond its bound that chance excuses.
MOST_EXCUSED = 0.01

#: So many samples nobody will collect.
MOST_SAMPLES = 10_000_000

#: Samples -> the 95 % interval, if so many gave the same shares.
Interval = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Undecided:
    """A share that is beyond its bound by no more than chance explains."""

    metric: str
    value: float
    bound: float
    low: float
    """Of the 95 % interval."""
    high: float
    samples: int
    needed: int | None
    """How many would decide, if the share stays; ``None`` for more than ``MOST_SAMPLES``."""


def explain_undecided(
    metric: str, value: float, bound: float, result: Mapping[str, Any]
) -> Undecided | None:
    """What is to be said of a share beyond its bound, or ``None`` where it is beyond for sure.

    Args:
        metric: a gate's.
        value: what was measured; the bound is not kept by it.
        bound: the gate's.
        result: with ``samples`` and, for the accuracy, what ``Score.compared`` says
            of it.
    """
    interval = _interval(metric, value, result)
    kind = metric_of(metric)
    most = MOST_EXCUSED * _scale(value, result)
    if interval is None or kind.excess(value, bound) > most + 1e-9:
        return None

    def decided(samples: float) -> bool:
        low, high = interval(samples)
        return high < bound if kind.is_floor else low > bound

    samples = int(result["samples"])
    if decided(samples):
        return None
    return Undecided(
        metric, value, bound, *interval(samples), samples, _needed_samples(decided, samples)
    )


def _scale(lost: float, result: Mapping[str, Any]) -> float:
    """What a hundredth is a hundredth of: of what is no share, the source's own value."""
    measured = result.get("accuracy") or {}
    if "less" not in measured:
        return 1.0
    metric = metric_of(measured["metric"])
    return metric.scale(measured["value"] + (lost if metric.is_floor else -lost))


def _interval(metric: str, value: float, result: Mapping[str, Any]) -> Interval | None:
    """``None`` for what is no share of samples, or of samples that nobody counted."""
    count = result.get("samples")
    kind = metric_of(metric).interval
    if not count or not kind:
        return None
    if kind == "share":
        return lambda samples: wilson(value * samples, samples)
    accuracy = result.get("accuracy") or {}
    if "less" in accuracy:
        return partial(_scale_interval, value, accuracy["less"], count)
    if "lost" not in accuracy:
        return None
    lost, gained = (result["accuracy"][side] / count for side in ("lost", "gained"))
    return lambda samples: paired_difference(lost * samples, gained * samples, samples)


def _scale_interval(
    value: float, interval: tuple[float, float], count: int, samples: float
) -> tuple[float, float]:
    """The interval of a mean of another number of samples: narrower by its square root."""
    low, high = ((end - value) * sqrt(count / samples) for end in interval)
    return value + low, value + high


def _needed_samples(decided: Callable[[float], bool], samples: int) -> int | None:
    """The fewest samples that decide, to a hundredth."""
    count = float(samples)
    while not decided(count):
        count *= 1.01
        if count > MOST_SAMPLES:
            return None
    return ceil(count)
