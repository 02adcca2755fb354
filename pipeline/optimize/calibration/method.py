"""What a calibration method is: how an activation's range follows from its values on samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.graphs.onnx.histogram import Histogram


@dataclass(frozen=True)
class CalibrationMethod:
    """One way to choose the magnitude beyond which values are clipped."""

    name: str
    """What ``calibrate`` calls it."""
    threshold: Callable[[Histogram, int, float], float]
    """That magnitude, of a histogram, the number of levels and a percentile."""
    histogram: bool = True
    """Whether it needs more than the range, for which the samples are run a second time."""
