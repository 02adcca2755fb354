"""Every value fits: nothing is clipped, and one outlier makes all steps wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.optimize.calibration.method import CalibrationMethod

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram


def threshold(histogram: Histogram, levels: int, percentile: float) -> float:
    """The largest magnitude."""
    return histogram.peak


METHOD = CalibrationMethod("minmax", threshold, histogram=False)
