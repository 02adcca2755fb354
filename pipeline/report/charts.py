"""The report's charts: Vega-Lite specifications, drawn as SVG while the report is written.

They are plain dictionaries: a Python front end to Vega-Lite would check each of them against its
JSON Schema, which takes longer than to draw it.

Colours are those of the light page. They stand in the SVG as attributes, which the page's
style sheet overrides by value where the page is dark, so that no script is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.report import words
from pipeline.report.labels import Box, place
from pipeline.report.release import Artifact, Proof, Release

Spec = dict[str, Any]

#: Name of a CSS variable -> its colour on a light page.
PALETTE = {
    "ink": "#1b2430",
    "quiet": "#566171",
    "line": "#dde2e8",
    "first": "#1f5fbf",
    "second": "#8a3fae",
    "third": "#a04a00",
    "fourth": "#0b6e75",
    "better": "#0a7150",
    "worse": "#b3261f",
    "same": "#66717f",
    "paper": "#fdfdfc",
}

SERIES = ("first", "second", "third", "fourth")
SHAPES = ("circle", "square", "diamond", "triangle-up")

FONT = "system-ui, sans-serif"

#: Pixels of a letter, and of a line, of a name at 11 px.
LETTER, LINE = 5.4, 14.0


def size_against_quality(release: Release, width: int, height: int, *, short: bool = False) -> str:
    """Bytes on the wire against accuracy, or against signal to noise where nothing is labelled.

    Args:
        short: name variants only; colour, shape and legend tell the format.

    Returns:
        An SVG of about ``width`` by ``height`` pixels; empty where neither was measured.
    """
    points = [point for artifact in release.artifacts if (point := _point(artifact, short))]
    if not points:
        return ""
    labelled = release.artifacts[0].accuracy is not None
    unit = "MB" if max(point["size"] for point in points) > 2e6 else "KB"
    for point in points:
        point["size"] /= {"KB": 1e3, "MB": 1e6}[unit]
    x_domain = (0.0, max(point["size"] for point in points) * 1.08)
    y_domain = _y_domain(points, release, labelled)
    axes = (
        _quantity(
            "size", x_domain, {"title": f"{unit} on the wire", "tickCount": 6, "grid": False}
        ),
        _quantity("value", y_domain, {**_quality_axis(labelled), "tickCount": 5}),
    )
    _place_names(points, x_domain, y_domain, (width, height), _source_values(release, labelled))
    return _svg(_quality_chart(points, release, axes, labelled), width, height)


def _point(artifact: Artifact, short: bool) -> dict[str, Any] | None:
    accuracy = artifact.accuracy
    value = accuracy["value"] if accuracy else artifact.snr_db
    if value is None:
        return None
    name = artifact.variant if short else artifact.id
    low, high = (accuracy or {}).get("low", value), (accuracy or {}).get("high", value)
    return {
        "name": artifact.id,
        "text": f"{name} ≥" if artifact.dominated_by else name,
        "format": artifact.format,
        "size": artifact.wire_bytes,
        "value": value,
        "low": low,
        "high": high,
        "dominated": bool(artifact.dominated_by),
    }


def _y_domain(
    points: Sequence[Mapping[str, Any]], release: Release, labelled: bool
) -> tuple[float, float]:
    values = [point[key] for point in points for key in ("low", "high")]
    values += _source_values(release, labelled)
    low, high = min(values), max(values)
    margin = max((high - low) * 0.25, 0.005 if labelled else 5)
    top = high + margin
    return max(low - margin, 0.0), min(top, 1.0005) if labelled else top


def _place_names(
    points: list[dict[str, Any]],
    x_domain: tuple[float, float],
    y_domain: tuple[float, float],
    area: tuple[int, int],
    lines_at: Sequence[float],
) -> None:
    """Add to each point where its name stands, in the units of the axes."""
    width, height = area
    x_pixels = width / (x_domain[1] - x_domain[0])
    y_pixels = height / (y_domain[1] - y_domain[0])

    def pixels(point: Mapping[str, Any], key: str = "value") -> tuple[float, float]:
        x = (point["size"] - x_domain[0]) * x_pixels
        return x, (y_domain[1] - point[key]) * y_pixels

    at = [pixels(point) for point in points]
    lines = [(y_domain[1] - value) * y_pixels for value in lines_at]
    bars = [
        Box(x - 2, pixels(p, "high")[1], x + 2, pixels(p, "low")[1])
        for p, (x, _) in zip(points, at, strict=True)
    ]
    sizes = [(len(point["text"]) * LETTER, LINE) for point in points]
    taken = [*bars, *(Box(0, y - 1, width, y + 1) for y in lines)]
    boxes = place(at, sizes, Box(0, 0, width, height), taken)
    for point, box, (x, y) in zip(points, boxes, at, strict=True):
        middle = (box.top + box.bottom) / 2
        # Not to the very end: fonts differ, and a line into nowhere looks like a mistake.
        near = min(max(x, box.left + 4), box.right - (box.right - box.left) / 5)
        point["label_x"] = box.left / x_pixels + x_domain[0]
        point["label_y"] = y_domain[1] - middle / y_pixels
        point["line_x"] = near / x_pixels + x_domain[0]
        point["far"] = abs(middle - y) > LINE


def _quality_chart(
    points: list[dict[str, Any]],
    release: Release,
    axes: tuple[Spec, Spec],
    labelled: bool,
) -> list[Spec]:
    """Layers: the source's line, intervals, lines to far names, points, names."""
    x, y = axes
    series = _series(list(dict.fromkeys(point["format"] for point in points)))
    filled = {"type": "point", "size": 95, "filled": True, "opacity": 1}
    hollow = {"type": "point", "size": 95, "filled": False, "strokeWidth": 2, "opacity": 1}
    interval = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.45}
    far = {"type": "rule", "color": PALETTE["quiet"], "strokeWidth": 0.75}
    name = {**_TEXT, "baseline": "middle"}
    at = {"x": x, "y": y}
    at_name = {"x": x | {"field": "label_x"}, "y": y | {"field": "label_y"}}
    x2, y2 = {"field": "line_x"}, {"field": "label_y"}
    layers = [
        *_source_line(release, y, labelled),
        _layer(interval, x=x, y=y | {"field": "low"}, y2={"field": "high"}, color=series["color"]),
        _layer(far, "datum.far", x=x, y=y, x2=x2, y2=y2),
        _layer(filled, "!datum.dominated", **at, **series),
        _layer(hollow, "datum.dominated", **at, **series),
        _layer(name, **at_name, text={"field": "text"}),
    ]
    return [{"data": {"values": points}, **layer} for layer in layers]


def _quality_axis(labelled: bool) -> Spec:
    if labelled:
        return {"title": "accuracy", "format": ".1%"}
    return {"title": "signal to noise, dB", "format": "d"}


def _layer(mark: Spec, only: str | None = None, /, **encoding: Any) -> Spec:
    chosen = {"transform": [{"filter": only}]} if only else {}
    return {"mark": mark, **chosen, "encoding": encoding}


def _quantity(field: str, domain: tuple[float, float], axis: Spec) -> Spec:
    scale = {"domain": domain, "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _series(formats: Sequence[str]) -> Spec:
    """Colour and shape by format, so that neither is needed to tell them apart."""
    colours = [PALETTE[SERIES[i % len(SERIES)]] for i in range(len(formats))]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(formats))]
    legend = {"title": None, "orient": "top"} if len(formats) > 1 else None
    named = {"field": "format", "type": "nominal"}
    return {
        "color": named | {"scale": {"domain": formats, "range": colours}, "legend": legend},
        "shape": named | {"scale": {"domain": formats, "range": shapes}},
    }


def _source_values(release: Release, labelled: bool) -> list[float]:
    """The source model's own accuracy, where there is one."""
    accuracy = release.record.get("accuracy")
    return [accuracy["value"]] if labelled and accuracy else []


def _source_line(release: Release, y: Spec, labelled: bool) -> list[Spec]:
    dashed = {"type": "rule", "color": PALETTE["quiet"], "strokeDash": [4, 4]}
    values = [{"value": value} for value in _source_values(release, labelled)]
    return [{"data": {"values": values}, **_layer(dashed, y=y)}] if values else []


def latency(artifacts: Sequence[Artifact], target: str, width: int, top: float = 1.0) -> str:
    """Bars of one target: time relative to float32 with its interval, or the median.

    Args:
        top: where the axis of relative times ends at least, the same for charts side by side.

    Returns:
        An SVG; empty where nothing was timed there.
    """
    proofs = [
        proof for a in artifacts if (proof := a.proof(target)) and proof.median_ms is not None
    ]
    if not proofs:
        return ""
    relative = any(proof.ratio for proof in proofs)
    rows = [_bar(proof, relative) for proof in proofs]
    return _svg(_bars(rows, top if relative else None), width, 21 * len(rows))


def _bar(proof: Proof, relative: bool) -> dict[str, Any]:
    """A bar from 0 to ``value``, and its interval."""
    median = proof.median_ms or 0.0
    bar = {"name": proof.artifact, "text": words.milliseconds(median), "ratio": ""}
    if not relative:
        high = proof.latency.get("p90_ms", proof.latency.get("p95_ms", median))
        spread = {"value": median, "low": median, "high": high}
    elif ratio := proof.ratio:
        spread = {"value": ratio.value, "low": ratio.low, "high": ratio.high}
        bar["ratio"] = words.ratio(ratio.value)
    else:
        spread = {"value": 1.0, "low": 1.0, "high": 1.0}
    return {**bar, **spread, "colour": PALETTE[_tone(proof)]}


def _tone(proof: Proof) -> str:
    """What a rasterizer takes is shown, but not judged; nor is what may be chance."""
    ratio = proof.ratio
    if ratio is None or not ratio.certain or proof.software:
        return "same"
    return "better" if ratio.value < 1 else "worse"


def slowest(artifacts: Iterable[Artifact]) -> float:
    """The largest relative time that any of these artifacts may have anywhere."""
    ratios = [proof.ratio for artifact in artifacts for proof in artifact.ran]
    return max((ratio.high for ratio in ratios if ratio), default=1.0)


def _bars(rows: list[dict[str, Any]], relative_top: float | None) -> list[Spec]:
    """Layers: bars, intervals, numbers, and the line of float32."""
    relative = relative_top is not None
    title = "time relative to fp32" if relative else "median ms, line to the 90th percentile"
    top = max(*(row["high"] for row in rows), relative_top or 0.0) * 1.05
    ticks = {"tickCount": 3, "labelOverlap": True, "labelFlush": False}
    x = _quantity("value", (0, top), {"title": title, **ticks})
    order = [row["name"] for row in rows]
    y = {"field": "name", "type": "nominal", "sort": order, "axis": _names_axis(order)}
    bar = {"type": "bar", "height": 11, "opacity": 0.75, "cornerRadiusEnd": 2}
    interval = {"type": "rule", "strokeWidth": 2, "color": PALETTE["ink"]}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    layers = [
        _layer(bar, x=x, y=y, color=colour),
        _layer(interval, x=x | {"field": "low"}, x2={"field": "high"}, y=y),
        _layer({**_TEXT, "dx": 6}, x={"value": "width"}, y=y, text={"field": "ratio"}),
        _layer(
            {**_TEXT, "dx": 46 if relative else 6},
            x={"value": "width"},
            y=y,
            text={"field": "text"},
        ),
    ]
    layers = [{"data": {"values": rows}, **layer} for layer in layers]
    if relative:
        dashed = {"type": "rule", "strokeDash": [3, 3], "color": PALETTE["quiet"]}
        one = {"data": {"values": [{"value": 1}]}, **_layer(dashed, x=x)}
        layers.append(one)
    return layers


def _names_axis(names: Sequence[str]) -> Spec:
    longest = 160
    # The page's font may be wider than the one that this is drawn with.
    extent = min(max(map(len, names)) * 7 + 6, longest + 6)
    plain = {"title": None, "domain": False, "ticks": False}
    return {**plain, "labelLimit": longest, "labelPadding": 6, "minExtent": extent}


_TEXT = {"type": "text", "align": "left", "fontSize": 11, "color": PALETTE["ink"]}

_AXIS = {
    "labelColor": PALETTE["quiet"],
    "titleColor": PALETTE["quiet"],
    "labelFontSize": 11,
    "titleFontSize": 11,
    "titleFontWeight": "normal",
    "domainColor": PALETTE["line"],
    "tickColor": PALETTE["line"],
    "gridColor": PALETTE["line"],
}

_CONFIG = {
    "background": "transparent",
    "font": FONT,
    "axis": _AXIS,
    "legend": {"labelColor": PALETTE["ink"], "labelFontSize": 11, "symbolOpacity": 1},
    "view": {"stroke": None},
}


def _svg(layers: list[Spec], width: int, height: int) -> str:
    import vl_convert

    spec = {"width": width, "height": height, "layer": layers, "config": _CONFIG}
    drawn: str = vl_convert.vegalite_to_svg(spec)
    return drawn
