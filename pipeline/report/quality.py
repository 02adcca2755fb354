"""The chart of what users download against what it is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.measures.metric import Metric
from pipeline.measures.metrics import metric_of
from pipeline.report.artifact import Artifact
from pipeline.report.labels import Box, place
from pipeline.report.release import Release
from pipeline.report.upright import axis, ends
from pipeline.report.vega import PALETTE, TEXT, Spec, layer, of, quantity, svg

#: Formats differ in both, so that neither is needed to tell them apart.
COLOURS = ("first", "second", "third", "fourth")
SHAPES = ("circle", "square", "diamond", "triangle-up")

#: Pixels of a letter, and of a line, of a name at 11 px.
LETTER, LINE = 5.4, 14.0

#: Pixels within which points of one name share it.
TOGETHER = 40.0

Point = dict[str, Any]


@dataclass(frozen=True)
class Area:
    """Between two linear axes, of which the horizontal one begins at 0."""

    width: int
    height: int
    right: float
    bottom: float
    top: float

    def pixels(self, x: float, y: float) -> tuple[float, float]:
        """From units of the axes to pixels from the top left."""
        across = x / self.right * self.width
        return across, (self.top - y) / (self.top - self.bottom) * self.height

    def units(self, across: float, down: float) -> tuple[float, float]:
        """Back again."""
        y = self.top - down / self.height * (self.top - self.bottom)
        return across / self.width * self.right, y


def size_against_quality(release: Release, width: int, height: int, *, short: bool = False) -> str:
    """Bytes against the task's metric, or against signal to noise where nobody knows what is right.

    Args:
        short: name variants only; colour, shape and legend tell the format.

    Returns:
        An SVG; empty where neither was measured.
    """
    largest = max(artifact.wire_bytes for artifact in release.artifacts)
    unit, size = ("MB", 10**6) if largest > 2 * 10**6 else ("KB", 1000)
    metric = metric_of(release.quality)
    drawn = [_point(artifact, size, metric, short) for artifact in release.artifacts]
    points = [point for point in drawn if point]
    if not points:
        return ""
    source = release.accuracy["value"] if release.accuracy else None
    values = [point[key] for point in points for key in ("low", "high")]
    bottom, top = ends(metric, values + ([] if source is None else [source]), 1 / 4)
    area = Area(width, height, largest / size * 1.08, bottom, top)
    _place_names(points, area, source)
    title = f"{unit} on the wire" if release.compressed else f"{unit} of files"
    return svg(_chart(points, area, title, metric, source), width, height)


def _point(artifact: Artifact, unit: int, metric: Metric, short: bool) -> Point | None:
    accuracy, value = artifact.accuracy, artifact.value_of(metric.name)
    if value is None:
        return None
    name = artifact.variant if short else artifact.id
    return {
        "name": f"{name} ≥" if artifact.dominated_by else name,
        "format": artifact.format,
        "size": artifact.wire_bytes / unit,
        "value": value,
        "low": accuracy.get("low", value) if accuracy else value,
        "high": accuracy.get("high", value) if accuracy else value,
        "dominated": bool(artifact.dominated_by),
    }


def _place_names(points: list[Point], area: Area, source: float | None) -> None:
    """Add to each point where its name stands, in the units of the axes."""
    at = [area.pixels(point["size"], point["value"]) for point in points]
    _share_names(points, at)
    sizes = [(len(point["name"]) * LETTER, LINE) for point in points]
    whole = Box(0, 0, area.width, area.height)
    boxes = place(at, sizes, whole, _lines(points, area, source))
    for point, box, (x, y) in zip(points, boxes, at, strict=True):
        middle = (box.top + box.bottom) / 2
        # Not to the very end: fonts differ, and a line into nowhere looks like a mistake.
        near = min(max(x, box.left + 4), box.right - (box.right - box.left) / 5)
        point["name_x"], point["name_y"] = area.units(box.left, middle)
        point["near_x"], _ = area.units(near, middle)
        point["far"] = bool(point["name"]) and abs(middle - y) > LINE


def _share_names(points: list[Point], at: Sequence[tuple[float, float]]) -> None:
    """Of neighbours with one name, only the first is named: colour and shape tell the rest."""
    named: list[tuple[str, float, float]] = []
    for point, (x, y) in zip(points, at, strict=True):
        name = point["name"]
        if any(name == n and math.dist((x, y), (a, b)) < TOGETHER for n, a, b in named):
            point["name"] = ""
        else:
            named.append((name, x, y))


def _lines(points: list[Point], area: Area, source: float | None) -> list[Box]:
    """The intervals, and the source's line."""
    lines = []
    for point in points:
        (x, low_y), (_, high_y) = (
            area.pixels(point["size"], point[end]) for end in ("low", "high")
        )
        lines.append(Box(x - 2, min(low_y, high_y), x + 2, max(low_y, high_y)))
    if source is not None:
        _, y = area.pixels(0, source)
        lines.append(Box(0, y - 1, area.width, y + 1))
    return lines


def _chart(
    points: list[Point], area: Area, title: str, metric: Metric, source: float | None
) -> list[Spec]:
    """Layers: the source's line, intervals, lines to far names, points, names."""
    horizontal = {"title": title, "tickCount": 6, "grid": False}
    x = quantity("size", (0.0, area.right), horizontal)
    y = axis(metric, "value", (area.bottom, area.top))
    series = _series(list(dict.fromkeys(point["format"] for point in points)))
    dot = {"type": "point", "size": 95, "opacity": 1}
    thin = {"type": "rule", "color": PALETTE["quiet"]}
    interval = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.45}
    colour, at = series["color"], {"x": x, "y": y}
    name = {"x": x | {"field": "name_x"}, "y": y | {"field": "name_y"}, "text": {"field": "name"}}
    to_name = {"x2": {"field": "near_x"}, "y2": {"field": "name_y"}}
    dashed = layer({**thin, "strokeDash": [4, 4]}, y=y)
    line = [] if source is None else of([{"value": source}], dashed)
    return line + of(
        points,
        layer(interval, x=x, y=y | {"field": "low"}, y2={"field": "high"}, color=colour),
        layer({**thin, "strokeWidth": 0.75}, "datum.far", **at, **to_name),
        layer({**dot, "filled": True}, "!datum.dominated", **at, **series),
        layer({**dot, "filled": False, "strokeWidth": 2}, "datum.dominated", **at, **series),
        layer({**TEXT, "baseline": "middle"}, **name),
    )


def _series(formats: Sequence[str]) -> Spec:
    """Colour and shape by format."""
    colours = [PALETTE[COLOURS[i % len(COLOURS)]] for i in range(len(formats))]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(formats))]
    legend = {"title": None, "orient": "top"} if len(formats) > 1 else None
    named = {"field": "format", "type": "nominal"}
    return {
        "color": named | {"scale": {"domain": formats, "range": colours}, "legend": legend},
        "shape": named | {"scale": {"domain": formats, "range": shapes}},
    }
