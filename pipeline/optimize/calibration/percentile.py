"""A given share of all values fits, and the largest ones are clipped.

Wu et al. (2020), "Integer Quantization for Deep Learning Inference", arXiv:2004.09602, sec. 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.optimize.calibration.method import CalibrationMethod
from pipeline.tensors.arrays import np

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram


def threshold(histogram: Histogram, levels: int, percentile: float) -> float:
    """The upper end of the bin with which ``percentile`` % of all values are held."""
    held = histogram.zeros + np.cumsum(histogram.counts.sum(axis=0))
    count = held[-1] * percentile / 100
    return (int(np.searchsorted(held, count)) + 1) * histogram.step


METHOD = CalibrationMethod("percentile", threshold)
