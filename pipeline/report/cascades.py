"""What a small and a large artifact are worth together, in words and as a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.evidence import Evidence
from pipeline.measures import words
from pipeline.measures.metrics import metric_of
from pipeline.report.release import Release
from pipeline.report.vega import PALETTE, TEXT, Spec, layer, of, quantity, svg

if TYPE_CHECKING:
    from pipeline.manifest.cascade import Cascade

#: Pixels between the axes: small enough for a phone, whose text is not to be scaled.
WIDTH, HEIGHT = 250, 190

#: More of a curve cannot be seen.
POINTS = 250


def cascades(release: Release) -> list[Cascade]:
    """The release's cascades, the best first; of older releases none."""
    best = release.record.get("cascade")
    return [best, *best.get("others", [])] if best else []


def headline(cascade: Cascade) -> str:
    """Which artifacts, and when the large one is asked."""
    return (
        f"{cascade['small']}, then {cascade['large']} where it is less than "
        f"{words.percent(cascade['threshold'])} sure"
    )


def metric_in_words(name: str) -> str:
    """What is expected of it."""
    source = " with the source" if metric_of(name).is_difference else ""
    return words.short_metric(name) + source


def expected_in_words(cascade: Cascade) -> str:
    """What to expect of it, in one sentence."""
    expected = cascade["expected"]
    metric = metric_in_words(expected["metric"])
    time = (
        f" and {words.ratio(expected['latency_ratio'])} the time"
        if expected["latency_ratio"]
        else ""
    )
    return (
        f"{words.percent(expected['accuracy'])} {metric}, "
        f"{words.percent(expected['escalated'])} asked again, "
        f"{words.ratio(expected['bytes_ratio'])} the bytes before that{time}"
    )


def rows(cascade: Cascade) -> Iterator[tuple[str, str]]:
    """Label and text of everything that is known of it."""
    expected = cascade["expected"]
    yield "Together", words.percent(expected["accuracy"])
    yield "95 % interval", words.interval(expected).strip(" ()")
    yield f"{cascade['small']} alone", words.percent(expected["small_accuracy"])
    yield f"{cascade['large']} alone", words.percent(expected["large_accuracy"])
    yield "Samples asked again", words.percent(expected["escalated"])
    yield "Bytes before that, of the large one’s", words.ratio(expected["bytes_ratio"])
    if expected["latency_ratio"]:
        where = words.target(expected["latency_target"] or "")
        yield f"Mean time on {where}, of the large one’s", words.ratio(expected["latency_ratio"])
    yield "Threshold chosen on", words.count(cascade["calibrated_on"], "sample")
    yield "Judged on others", words.count(expected["samples"], "sample")


def curve(release: Release, record: Cascade, evidence: Evidence) -> list[tuple[float, float]]:
    """Share of escalated samples and accuracy at every threshold, on the judged samples.

    Empty where the proofs are not at hand, as of a release that was built elsewhere.
    """
    from pipeline.validate import cascade, cascade_candidates

    pair = [release.artifact(record[side]) for side in ("small", "large")]
    if None in pair:
        return []
    records = [artifact.record for artifact in pair if artifact]
    confidences = {c.id: c.sure for c in cascade_candidates.candidates(records, evidence)}
    if len(confidences) < 2:
        return []
    small, large = confidences[record["small"]], confidences[record["large"]]
    _, judged = cascade.halves(len(small.right))
    points = list(cascade.curve(small, large, judged))
    return [*points[: -1 : -(-len(points) // POINTS)], points[-1]]


def chart(cascade: Cascade, curve: Sequence[tuple[float, float]]) -> str:
    """Accuracy against the share of escalated samples, and where the threshold lies.

    Args:
        curve: both at every threshold, on the judged samples.

    Returns:
        An SVG; empty without a curve, which only a build has.
    """
    if not curve:
        return ""
    expected = cascade["expected"]
    line = [{"asked": asked, "right": right} for asked, right in curve]
    at = {"asked": expected["escalated"], "right": expected["accuracy"], "name": "threshold"}
    return svg(_layers(line, at, metric_in_words(expected["metric"])), WIDTH, HEIGHT)


def _layers(line: list[dict[str, Any]], at: dict[str, Any], title: str) -> list[Spec]:
    values = [point["right"] for point in line]
    margin = max((max(values) - min(values)) / 4, 0.002)
    bottom, top = max(min(values) - margin, 0.0), min(max(values) + margin, 1.0005)
    across = {"title": "samples asked again", "format": ".0%", "tickCount": 4, "grid": False}
    # Of a small difference, whole percents would all be the same.
    digits = ".1%" if top - bottom < 0.05 else ".0%"
    x = quantity("asked", (0.0, 1.0), across)
    y = quantity("right", (bottom, top), {"title": title, "format": digits, "tickCount": 5})
    dot = {"type": "point", "size": 95, "filled": True, "opacity": 1, "color": PALETTE["first"]}
    # Names stand on the side that has room, and below: the curve is highest around its point.
    right_half = at["asked"] > 0.5
    name = {**TEXT, "align": "right" if right_half else "left", "dx": -8 if right_half else 8}
    return [
        *of(
            line,
            layer(
                {"type": "line", "color": PALETTE["same"], "interpolate": "step-after"}, x=x, y=y
            ),
        ),
        *of(
            [at],
            layer(dot, x=x, y=y),
            layer({**name, "dy": 14}, x=x, y=y, text={"field": "name"}),
        ),
    ]
