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
    values: NDArray[np.float32],
    axis: int | None,
    dtype: type[np.unsignedinteger[Any]],
    levels: int | None = None,
) -> Encoded:
    """Values that lie on a grid as they are, others rounded to one on which zero is exact.

    Args:
        values: float32, any shape, finite.
        axis: the channel axis, or ``None`` for one scale for the whole tensor.
        dtype: ``np.uint8`` or ``np.uint16``.
        levels: how many values the grid has; as many as ``dtype`` by default.
    """
    import numpy as np

    from pipeline.optimize import grid

    # A grid that is there is kept however fine it is, as long as the type holds it.
    found = grid.find(values, axis, int(np.iinfo(dtype).max) + 1)
    if found is None:
        return rounded(values, axis, dtype, levels)
    # One zero for all channels, where it fits: then equal numbers are equal bytes, which compress.
    lowest, most = np.minimum(found.numbers.min(), 0), np.iinfo(dtype).max
    zero = -np.minimum(found.numbers.min(axis=_others(values, axis), keepdims=True), 0)
    if found.numbers.max() - lowest <= most:
        zero = np.full_like(zero, -lowest)
    return Encoded(
        (found.numbers + zero).astype(dtype),
        found.scale,
        zero.reshape(found.scale.shape).astype(dtype),
    )


def rounded(
    values: NDArray[np.float32],
    axis: int | None,
    dtype: type[np.unsignedinteger[Any]],
    levels: int | None = None,
) -> Encoded:
    """Round to an unsigned integer grid from the least value to the greatest, zero exact.

    Asymmetric min-max quantization, eq. 2-3 of Krishnamoorthi (2018), arXiv:1806.08342.
    Zero is kept exact so that pruned weights and padding stay zero. Arguments as of ``affine``.
    """
    import numpy as np

    last = np.iinfo(dtype).max if levels is None else levels - 1
    over = _others(values, axis)
    low = np.minimum(values.min(axis=over, keepdims=True), 0).astype(np.float64)
    high = np.maximum(values.max(axis=over, keepdims=True), 0).astype(np.float64)
    spread = np.where(high > low, high - low, last)
    scale = (spread / last).astype(np.float32)
    # A range of subnormal numbers has no step in float32; they are zeros to every runtime.
    scale = np.where(scale > 0, scale, np.float32(1))
    zero = np.clip(np.rint(-low / scale), 0, last)
    data = np.clip(np.rint(values / scale) + zero, 0, last).astype(dtype)
    shape = () if axis is None else (-1,)
    return Encoded(data, scale.reshape(shape), zero.reshape(shape).astype(dtype))


def _others(values: NDArray[Any], axis: int | None) -> tuple[int, ...] | None:
    return None if axis is None else tuple(i for i in range(values.ndim) if i != axis)


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
