"""How a weight technique says what a float32 tensor becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """A tensor re-encoded: ``value = (data - zero) * scale``.

    ``scale`` (float32) and ``zero`` (same dtype as ``data``) are scalars, or one
    value per channel where the codec was given an axis; both are ``None`` where
    ``data`` is a plain narrower float.
    """

    data: NDArray[Any]
    scale: NDArray[np.float32] | None = None
    zero: NDArray[Any] | None = None


def affine(
    values: NDArray[np.float32], axis: int | None, dtype: type[np.unsignedinteger[Any]]
) -> Encoded:
    """Round to an unsigned integer grid on which zero is exact.

    Asymmetric min-max quantization, eq. 2-3 of Krishnamoorthi (2018), arXiv:1806.08342.
    Zero is kept exact so that pruned weights and padding stay zero.

    Args:
        values: float32, any shape, finite.
        axis: the channel axis, or ``None`` for one scale for the whole tensor.
        dtype: ``np.uint8`` or ``np.uint16``.
    """
    import numpy as np

    levels = np.iinfo(dtype).max
    over = None if axis is None else tuple(i for i in range(values.ndim) if i != axis)
    low = np.minimum(values.min(axis=over, keepdims=True), 0).astype(np.float64)
    high = np.maximum(values.max(axis=over, keepdims=True), 0).astype(np.float64)
    spread = np.where(high > low, high - low, levels)
    scale = (spread / levels).astype(np.float32)
    zero = np.clip(np.rint(-low / scale), 0, levels)
    data = np.clip(np.rint(values / scale) + zero, 0, levels).astype(dtype)
    shape = () if axis is None else (-1,)
    return Encoded(data, scale.reshape(shape), zero.reshape(shape).astype(dtype))


def decode(encoded: Encoded, axis: int | None) -> NDArray[np.float32]:
    """The float32 values that a runtime computes from ``encoded``."""
    import numpy as np

    data = encoded.data.astype(np.float32)
    if encoded.scale is None or encoded.zero is None:
        return data
    shape = [1] * data.ndim
    if axis is not None:
        shape[axis] = -1
    zero = encoded.zero.astype(np.float32).reshape(shape)
    return (data - zero) * encoded.scale.reshape(shape)
