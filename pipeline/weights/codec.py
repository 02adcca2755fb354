"""How a weight technique says what a float32 tensor becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.registry import find_plugins
from pipeline.tensors.arrays import Array, Float32s, Float64s, np
from pipeline.weights.tables import is_fourier


@dataclass(frozen=True)
class Encoded:
    """A tensor re-encoded: ``value = (data - zero) * scale``.

    ``scale`` (float32) and ``zero`` (same dtype as ``data``) are scalars, or one
    value per channel where the codec was given an axis; both are ``None`` where
    ``data`` is a plain narrower float.
    """

    data: Array
    scale: Float32s | None = None
    zero: Array | None = None
    block: int | None = None
    """``data`` holds 4-bit integers, zero at 0, of which so many share a scale: along the one axis
    along which there are fewer scales."""


@dataclass(frozen=True)
class Weight:
    """A float32 tensor to encode, and what a format knows of it."""

    values: Float32s

    axis: int | None = None
    """Where the format can have a scale for each channel: along this axis."""

    sides: tuple[int, int] | None = None
    """The axes of input and output channels, ascending."""

    bias: bool = False
    """Whether it is added to a layer's output: too few and too sensitive for 8 bits."""

    name: str = ""
    """What the format calls it."""


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One way to encode weights, a module of ``pipeline.optimize`` with a ``CODEC``."""

    name: str
    version: int
    """Raise it when it gives other bytes for the same weights."""
    bytes_each: float
    """What a value takes, but for scales."""
    encode: Callable[..., Encoded | None]
    """One tensor's values, its channel axis or ``None``, and options by name -> its encoding;
    ``None`` where there is none for such values."""
    encode_all: Callable[..., list[Encoded | None]] | None = None
    """The same of a model's ``Weight``s, where they share something: an encoding for each. It takes
    ``settled``: leave as they are those that lie on a grid already."""


@cache
def codecs() -> dict[str, Codec]:
    """Every codec, by name."""
    return find_plugins("optimize", "CODEC", Codec)


def encode_all(
    codec: Codec, weights: Sequence[Weight], options: Mapping[str, Any]
) -> list[Encoded | None]:
    """Encode a model's weights; ``None`` stays float32.

    Infinite values, as of a causal mask, are on no grid: what holds some stays float32. So do the
    tables of a Fourier transform, which nobody trained: rounded, they leak into every frequency
    a noise that a logarithm behind them makes as loud as the signal.

    Raises:
        PipelineError: a weight is not a number.
    """
    encodings: list[Encoded | None] = [None] * len(weights)
    indices = [
        index
        for index, weight in enumerate(weights)
        if _is_finite(weight) and not is_fourier(weight.values)
    ]
    encoded = _encode_chosen(codec, [weights[index] for index in indices], options)
    for index, encoding in zip(indices, encoded, strict=True):
        encodings[index] = encoding
    return encodings


def _is_finite(weight: Weight) -> bool:
    if np.isnan(weight.values).any():
        raise PipelineError(
            f"a weight is not a number, in {weight.name or 'a tensor'} of shape "
            f"{list(weight.values.shape)}",
            todo="train the model again from where its loss was still finite",
        )
    return bool(np.isfinite(weight.values).all())


def _encode_chosen(
    codec: Codec, weights: Sequence[Weight], options: Mapping[str, Any]
) -> Sequence[Encoded | None]:
    if codec.encode_all:
        return codec.encode_all(weights, **options)
    return [
        None if weight.bias else codec.encode(weight.values, weight.axis, **options)
        for weight in weights
    ]


def affine(
    values: Float32s,
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
    encoded = on_grid(values, axis, dtype)
    return rounded(values, axis, dtype, levels) if encoded is None else encoded


def on_grid(
    values: Float32s, axis: int | None, dtype: type[np.unsignedinteger[Any]]
) -> Encoded | None:
    """Values as they are, if they lie on a grid that ``dtype`` holds, however fine it is."""
    from pipeline.weights import grid

    lattice = grid.find(values, axis, int(np.iinfo(dtype).max) + 1)
    if lattice is None:
        return None
    # One zero for all channels, where it fits: then equal numbers are equal bytes, which compress.
    lowest, most = np.minimum(lattice.numbers.min(), 0), np.iinfo(dtype).max
    zero = -np.minimum(lattice.numbers.min(axis=_others(values, axis), keepdims=True), 0)
    if lattice.numbers.max() - lowest <= most:
        zero = np.full_like(zero, -lowest)
    return Encoded(
        (lattice.numbers + zero).astype(dtype),
        lattice.scale,
        zero.reshape(lattice.scale.shape).astype(dtype),
    )


def rounded(
    values: Float32s,
    axis: int | None,
    dtype: type[np.unsignedinteger[Any]],
    levels: int | None = None,
) -> Encoded:
    """Round to an unsigned integer grid from the least value to the greatest, zero exact.

    Asymmetric min-max quantization, eq. 2-3 of Krishnamoorthi (2018), arXiv:1806.08342.
    Zero is kept exact so that pruned weights and padding stay zero. Arguments as of ``affine``.
    """
    last = np.iinfo(dtype).max if levels is None else levels - 1
    scale, zero = min_max(values, axis, last)
    data = np.clip(np.rint(values / scale) + zero, 0, last).astype(dtype)
    shape = () if axis is None else (-1,)
    return Encoded(data, scale.reshape(shape), zero.reshape(shape).astype(dtype))


def min_max(values: Float32s, axis: int | None, last: int) -> tuple[Float32s, Float32s]:
    """Scale, and the number from 0 to ``last`` that is zero, to be broadcast to ``values``."""
    over = _others(values, axis)
    low = np.minimum(values.min(axis=over, keepdims=True), 0).astype(np.float64)
    high = np.maximum(values.max(axis=over, keepdims=True), 0).astype(np.float64)
    spread = np.where(high > low, high - low, last)
    scale = (spread / last).astype(np.float32)
    # A range of subnormal numbers has no step in float32; they are zeros to every runtime.
    scale = np.where(scale > 0, scale, np.float32(1))
    if axis is None:
        scale = _short(scale, -low / scale)
    zero: Float32s = np.clip(np.rint(-low / scale), 0, last).astype(np.float32)
    return scale, zero


def _short(scale: Float32s, zero: Float64s) -> Float32s:
    """A scale hardly above another, of four digits, and of few when times ``zero``: those that a
    graph's JSON would spell out."""
    digits = 3 - int(np.floor(np.log10(scale.item())))
    first = int(np.ceil(scale.item() * 10.0**digits))
    scales = [float(f"{number}e{-digits}") for number in range(first, first + 8)]
    number = round(zero.item())
    short = min(scales, key=lambda some: len(repr(some * number)))
    return np.full_like(scale, short)


def _others(values: Array, axis: int | None) -> tuple[int, ...] | None:
    return None if axis is None else tuple(i for i in range(values.ndim) if i != axis)


def short_float16(values: Float32s, bits: int) -> Encoded:
    """Round to so many significant bits of a float16; the others are zeros, which compress.

    Args:
        values: float32, any shape, no larger than float16 can hold (65504).
        bits: 1 to 11.
    """
    from pipeline.weights.bits import significant

    # Rounding up ends at 65536, which is infinite.
    largest = np.finfo(np.float16).max
    return Encoded(np.clip(significant(values, bits), -largest, largest).astype(np.float16))


def exact(weight: Weight) -> Encoded | None:
    """The narrowest encoding that moves no value: uint8, float16 or uint16, or ``None``."""
    narrowest = on_grid(weight.values, weight.axis, np.uint8)
    if narrowest is not None:
        return narrowest
    with np.errstate(over="ignore"):
        half = weight.values.astype(np.float16)
    if np.array_equal(half, weight.values):
        return Encoded(half)
    return on_grid(weight.values, weight.axis, np.uint16)


def decode(encoded: Encoded, axis: int | None) -> Float32s:
    """The float32 values that a runtime computes from ``encoded``."""
    data = encoded.data.astype(np.float32)
    if encoded.block is not None and encoded.scale is not None:
        along = blocked_axis(encoded)
        scale = np.repeat(encoded.scale, encoded.block, along)
        return data * np.take(scale, range(data.shape[along]), along)
    if encoded.scale is None or encoded.zero is None:
        return data
    shape = [1] * data.ndim
    if axis is not None:
        shape[axis] = -1
    zero = encoded.zero.astype(np.float32).reshape(shape)
    return (data - zero) * encoded.scale.reshape(shape)


def blocked_axis(encoded: Encoded) -> int:
    """The axis along which values share a scale."""
    shapes = zip(encoded.data.shape, getattr(encoded.scale, "shape", ()), strict=True)
    return next(axis for axis, (values, scales) in enumerate(shapes) if values != scales)
