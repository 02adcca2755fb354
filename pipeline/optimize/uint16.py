"""Weights as 16-bit integers on a grid from their minimum to their maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base import options
from pipeline.tensors.arrays import np
from pipeline.weights.codec import Encoded, affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = "quantize"
STAGE = "weights"
VERSION = 4


class Options(options.Options):
    """Weights as uint16; activations stay float32."""


def encode(values: NDArray[np.float32], axis: int | None) -> Encoded:
    """Re-encode a float32 tensor; ``axis`` is its channel axis, or ``None``."""
    return affine(values, axis, np.uint16)
