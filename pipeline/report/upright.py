"""The vertical axis of a chart of a metric: better is higher."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.measures.metric import Metric
from pipeline.report.vega import Spec, quantity

#: By unit, the least margin above and below the values, and how far below the middle one a value
#: may be seen: candidates that broke a model are further off. Of others a hundredth of the largest,
#: and as much as the middle one itself.
MARGIN = {"percent": 0.005, "dB": 5.0}
SEEN = {"percent": 0.25, "dB": 60.0}

#: A little above 100 %, or half of a point there would be cut off.
ALL = 1.0008


def ends(
    metric: Metric, values: Sequence[float], part: float, *, whole: bool = True
) -> tuple[float, float]:
    """Where the axis begins, below, and ends, above: the other way round where less is better.

    Args:
        part: the margin, as a share of how far the values reach.
        whole: whether all are to be seen.
    """
    low, high, middle = min(values), max(values), sorted(values)[len(values) // 2]
    if not whole:
        seen = SEEN.get(metric.unit, abs(middle))
        low, high = (
            (max(low, middle - seen), high) if metric.is_floor else (low, min(high, middle + seen))
        )
    margin = max((high - low) * part, MARGIN.get(metric.unit, abs(high) / 100)) or 1.0
    low, high = low - margin, high + margin
    if metric.is_share:
        low, high = max(low, 0.0), min(high, ALL)
    return (low, high) if metric.is_floor else (high, low)


def axis(metric: Metric, field: str, reach: tuple[float, float]) -> Spec:
    """The channel of a field with values of the metric."""
    is_named = metric.is_share or metric.unit == "number"
    title = (metric.short or metric.words) + ("" if is_named else f", {metric.unit}")
    digits = ".1%" if abs(reach[1] - reach[0]) < 0.05 else ".0%"
    shown = digits if metric.is_share else {"dB": "d"}.get(metric.unit, ".4~g")
    return quantity(field, reach, {"title": title, "format": shown, "tickCount": 5})
