"""Draws Vega-Lite specifications as SVG, in the colours of the light page.

The colours stand in the SVG as attributes, which the page's style sheet overrides by value
where the page is dark, so that no script is needed. Specifications are plain dictionaries: a
Python front end to Vega-Lite would check each of them against its JSON Schema, which takes
longer than to draw it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

#: What names and numbers in a chart are written in.
TEXT = {"type": "text", "align": "left", "fontSize": 11, "color": PALETTE["ink"]}

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
    "font": "system-ui, sans-serif",
    "axis": _AXIS,
    "legend": {"labelColor": PALETTE["ink"], "labelFontSize": 11, "symbolOpacity": 1},
    "view": {"stroke": None},
}


def layer(mark: Spec, only: str | None = None, /, **encoding: Any) -> Spec:
    """One kind of mark, of the rows for which the expression ``only`` holds."""
    filtered = {"transform": [{"filter": only}]} if only else {}
    return {"mark": mark, **filtered, "encoding": encoding}


def quantity(field: str, domain: tuple[float, float], axis: Spec) -> Spec:
    """A number on a linear axis that ends where it is told to."""
    scale = {"domain": domain, "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def of(rows: Sequence[Mapping[str, Any]], *layers: Spec) -> list[Spec]:
    """Layers that draw these rows."""
    return [{"data": {"values": rows}, **layer} for layer in layers]


def svg(layers: Sequence[Spec], width: int, height: int) -> str:
    """The drawing; ``width`` and ``height`` are those of the area between the axes, in pixels."""
    import vl_convert

    spec = {"width": width, "height": height, "layer": list(layers), "config": _CONFIG}
    drawn: str = vl_convert.vegalite_to_svg(spec)
    return drawn
