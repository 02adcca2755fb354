"""The benchmark's chart for the README: bytes on the wire, ours beside the peers'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.report.page import DARK
from pipeline.report.vega import PALETTE, TEXT, layer, of, quantity, svg

WIDTH, ROW = 430, 24
#: Pixels of the longest name, in whatever font the reader has.
NAMES = 230


def write(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write an SVG that fits a light page and a dark one.

    Args:
        rows: ``name``, ``wire_bytes``, ``said`` (what is written beside the bar) and ``ours``.
    """
    drawn = svg(_layers(rows), WIDTH, ROW * len(rows))
    path.write_text(drawn.replace(">", f">{_style()}", 1))


def _layers(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    shown = [
        {
            "name": row["name"],
            "kb": row["wire_bytes"] / 1000,
            "said": f"{row['wire_bytes'] / 1000:.1f} KB · {row['said']}",
            "colour": PALETTE["first" if row["ours"] else "same"],
        }
        for row in rows
    ]
    names = [row["name"] for row in shown]
    top = max(row["kb"] for row in shown) * 1.5
    x = quantity("kb", (0, top), {"title": "KB after brotli", "tickCount": 5, "grid": False})
    axis = {"title": None, "domain": False, "ticks": False, "labelPadding": 6}
    limits = {"labelLimit": NAMES, "minExtent": NAMES, "labelColor": PALETTE["ink"]}
    y = {"field": "name", "type": "nominal", "sort": names, "axis": axis | limits}
    bar = {"type": "bar", "height": 14, "opacity": 0.85, "cornerRadiusEnd": 2}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    said = {"field": "said"}
    return of(
        shown,
        layer(bar, x=x, y=y, color=colour),
        layer({**TEXT, "dx": 6}, x=x, y=y, text=said),
    )


def _style() -> str:
    """The dark page's colours in place of the light one's, which stand as attributes."""
    rules = [
        f'[{side}="{colour}"]{{{side}:{DARK[name]}}}'
        for name, colour in PALETTE.items()
        for side in ("fill", "stroke")
    ]
    return f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"
