"""The chart of one target's times."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pipeline.measures import words
from pipeline.report.artifact import Artifact, Group
from pipeline.report.proof import Proof
from pipeline.report.vega import PALETTE, TEXT, Spec, layer, of, quantity, svg

#: Pixels of one artifact's row.
ROW = 21

#: Relative times beyond which intervals are cut.
WIDEST = 1.6

#: Pixels of the longest name that is not cut.
LONGEST = 160


def latency(group: Group, target: str, width: int, top: float) -> str:
    """Bars of one target: time relative to float32 with its interval, or the median.

    Args:
        top: where the axis of relative times ends, the same for charts side by side.

    Returns:
        An SVG; empty where nothing was timed there.
    """
    proofs = [proof for artifact in group.artifacts if (proof := artifact.proof(target))]
    timed = [(proof, ms) for proof in proofs if (ms := group.milliseconds(proof)) is not None]
    if not timed:
        return ""
    references = {proof.ratio.reference for proof, _ in timed if proof.ratio}
    rows = [
        _relative(proof, ms, top, references) if references else _absolute(proof, ms)
        for proof, ms in timed
    ]
    return svg(_chart(rows, top if references else None), width, ROW * len(rows))


def longest(artifacts: Iterable[Artifact]) -> float:
    """Where an axis ends that holds the relative times of these artifacts on all their targets.

    One wide interval would make all bars short: intervals are cut, bars are not.
    """
    ratios = [ratio for artifact in artifacts for proof in artifact.ran if (ratio := proof.ratio)]
    highest = max((ratio.high for ratio in ratios), default=1.0)
    slowest = max((ratio.value for ratio in ratios), default=1.0)
    return min(highest, max(slowest * 1.1, WIDEST))


def _relative(proof: Proof, ms: float, top: float, references: Collection[str]) -> dict[str, Any]:
    if (ratio := proof.ratio) is None:
        # What others were timed with has their unit; what was timed with nothing has no bar.
        length = float(proof.artifact in references)
        return _row(proof, ms, (length, length, length))
    bar = (ratio.value, ratio.low, min(ratio.high, top))
    return _row(proof, ms, bar) | {"ratio": words.ratio(ratio.value)}


def _absolute(proof: Proof, ms: float) -> dict[str, Any]:
    high = proof.latency.get("p90_ms", proof.latency.get("p95_ms", ms))
    return _row(proof, ms, (ms, ms, max(ms, high)))


def _row(proof: Proof, ms: float, bar: tuple[float, float, float]) -> dict[str, Any]:
    """A bar from 0 to the first of ``bar``, its interval, and what is written beside it."""
    value, low, high = bar
    return {
        "name": proof.artifact,
        "value": value,
        "low": low,
        "high": high,
        "ratio": "",
        "median": words.milliseconds(ms),
        "colour": PALETTE[_tone(proof)],
    }


def _tone(proof: Proof) -> str:
    """What a rasterizer takes is shown, but not judged; nor is what may be chance."""
    ratio = proof.ratio
    if ratio is None or not ratio.certain or proof.software:
        return "same"
    return "better" if ratio.value < 1 else "worse"


def _chart(rows: list[dict[str, Any]], relative_top: float | None) -> list[Spec]:
    """Layers: bars, intervals, numbers, and the line of float32."""
    relative = relative_top is not None
    title = "time relative to fp32" if relative else "median ms, line to the 90th percentile"
    top = max(relative_top or max(row["high"] for row in rows), 1.0 if relative else 0.0) * 1.05
    ticks = {"tickCount": 3, "labelOverlap": True, "labelFlush": False}
    x = quantity("value", (0, top), {"title": title, **ticks})
    names = [row["name"] for row in rows]
    y = {"field": "name", "type": "nominal", "sort": names, "axis": _names_axis(names)}
    bar = {"type": "bar", "height": 11, "opacity": 0.75, "cornerRadiusEnd": 2}
    interval = {"type": "rule", "strokeWidth": 2, "color": PALETTE["ink"]}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    end = {"value": "width"}
    layers = of(
        rows,
        layer(bar, x=x, y=y, color=colour),
        layer(interval, x=x | {"field": "low"}, x2={"field": "high"}, y=y),
        layer({**TEXT, "dx": 6}, x=end, y=y, text={"field": "ratio"}),
        layer({**TEXT, "dx": 46 if relative else 6}, x=end, y=y, text={"field": "median"}),
    )
    dashed = {"type": "rule", "strokeDash": [3, 3], "color": PALETTE["quiet"]}
    return layers + (of([{"value": 1}], layer(dashed, x=x)) if relative else [])


def _names_axis(names: Sequence[str]) -> Spec:
    # The page's font may be wider than the one that this is drawn with.
    extent = min(max(map(len, names)) * 7 + 6, LONGEST + 6)
    plain = {"title": None, "domain": False, "ticks": False}
    return {**plain, "labelLimit": LONGEST, "labelPadding": 6, "minExtent": extent}
