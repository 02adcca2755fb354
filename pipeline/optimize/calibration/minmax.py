"""Every value fits: nothing is clipped, and one outlier makes all steps wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram

HISTOGRAM = False


def threshold(histogram: Histogram, levels: int, percentile: float) -> float:
    """The largest magnitude."""
    return histogram.peak
