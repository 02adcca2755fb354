"""The least squared error: of rounding inside of the range and of clipping outside of it.

Nagel et al. (2021), "A White Paper on Neural Network Quantization", arXiv:2106.08295, eq. 2.24;
the noise of rounding is a twelfth of the squared step (Bennett 1948).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.optimize.calibration.method import CalibrationMethod
from pipeline.tensors.arrays import np

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram

#: Thresholds that are tried: these shares of the largest magnitude, in equal steps.
SMALLEST_SHARE, CANDIDATES = 0.1, 91


def threshold(histogram: Histogram, levels: int, percentile: float) -> float:
    """The candidate with the least squared error; of equals the largest."""
    shares = np.linspace(1, SMALLEST_SHARE, CANDIDATES)
    errors = [_error(histogram, share * histogram.peak, levels) for share in shares]
    return float(shares[int(np.argmin(errors))] * histogram.peak)


def _error(histogram: Histogram, threshold: float, levels: int) -> float:
    """The sum of squared errors over all values."""
    low, high = histogram.clipped(threshold)
    beyond = (np.arange(len(histogram.counts[0])) + 0.5) * histogram.step - threshold
    counts = histogram.counts.sum(axis=0)
    clipped = beyond > 0
    rounding = ((high - low) / (levels - 1)) ** 2 / 12
    squares = counts[clipped] @ beyond[clipped] ** 2
    return float(rounding * counts[~clipped].sum() + squares)


METHOD = CalibrationMethod("mse", threshold)
