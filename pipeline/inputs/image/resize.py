"""Ways to resize: of which pixels, and with which weights, each pixel of the result is made.

The twin is resize.js. Weights are worked out in float64 by the same operations in the same order
in both, and rounded to float32; so the results are equal. One axis after the other: across first.

- ``bicubic``: TensorFlow's ResizeBicubic with half-pixel centres (core/kernels/image/
  resize_bicubic_op.cc). Keys' kernel with a = -0.5 from a table of 1024 steps; pixels beyond the
  border have no weight, and the others are made to sum to 1.
- ``-antialias``: the kernel as wide as the pixels of the result, cut at the border, and made to sum
  to 1: TensorFlow's ScaleAndTranslate (scale_and_translate_op.cc), torch's upsample_*2d_aa
  (aten/src/ATen/native/cpu/UpSampleKernel.cpp), whose a is -0.5 here too, and Pillow's.
- ``-pillow``: those weights rounded to 22 bits, and each axis' result to 8 bits (Pillow,
  src/libImaging/Resample.c).
- ``bicubic-torch``: a = -0.75, pixels beyond the border as those at it (upsample_bicubic2d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.inputs.image.fit import Span
from pipeline.tensors.arrays import Array, Float32s, Float64s, Int64s, np

#: Steps of TensorFlow's table of weights.
TABLE = 1024

#: Bits of Pillow's weights behind the point: 32, less 8 of a pixel, less 2 for what overshoots.
PRECISION = 22


@dataclass(frozen=True)
class Taps:
    """What each pixel of a result is a weighted sum of."""

    index: Int64s
    """[count, taps], within the axis."""
    weight: Float64s
    """[count, taps]."""


def taps(name: str, span: Span) -> Taps:
    """The pixels and weights of a way of resizing along one axis; not of ``bilinear``."""
    kernel, _, kind = name.partition("-")
    if kind in ("antialias", "pillow"):
        return _antialiased(_KERNELS[kernel], span)
    return _torch(span) if kind == "torch" else _tensorflow(span)


def sampled(pixels: Float32s, axis: int, name: str, span: Span) -> Float32s:
    """Resize along one axis.

    Args:
        pixels: float32, of the whole image.
    """
    filter_taps = taps(name, span)
    if name.endswith("-pillow"):
        return _in_8_bits(pixels, axis, filter_taps, span)
    total: Any = np.float32(0)
    for index, weight in zip(
        filter_taps.index.T, filter_taps.weight.astype(np.float32).T, strict=True
    ):
        total = total + pixels.take(index + span.start, axis) * _along(weight, axis, pixels.ndim)
    return np.asarray(total, np.float32)


def _in_8_bits(pixels: Float32s, axis: int, filter_taps: Taps, span: Span) -> Float32s:
    whole = np.rint(pixels).astype(np.int64)
    # As C casts: halves away from zero.
    scaled = filter_taps.weight * (1 << PRECISION)
    weights = np.trunc(scaled + np.where(scaled < 0, -0.5, 0.5)).astype(np.int64)
    total = np.int64(1 << (PRECISION - 1))
    for index, weight in zip(filter_taps.index.T, weights.T, strict=True):
        total = total + whole.take(index + span.start, axis) * _along(weight, axis, pixels.ndim)
    return np.asarray(np.clip(total >> PRECISION, 0, 255), np.float32)


def _along(weight: Array, axis: int, dimensions: int) -> Array:
    return weight.reshape([-1 if i == axis else 1 for i in range(dimensions)])


def _antialiased(kernel: tuple[int, float], span: Span) -> Taps:
    radius, a = kernel
    scale = span.before / span.after
    wide = max(scale, 1.0)
    centre = (np.arange(span.first, span.first + span.count) + 0.5) * scale
    low = np.maximum(np.floor(centre - radius * wide + 0.5), 0)
    high = np.minimum(np.floor(centre + radius * wide + 0.5), span.before)
    at = low[:, None] + np.arange(int((high - low).max()))
    inside = at < high[:, None]
    distance = np.abs((at - centre[:, None] + 0.5) * (1 / wide))
    weight = np.where(inside, _triangle(distance) if radius == 1 else _cubic(distance, a), 0.0)
    return Taps(np.minimum(at, span.before - 1).astype(np.int64), _summing_to_1(weight))


def _tensorflow(span: Span) -> Taps:
    # float32 as there: rounded otherwise, other steps of the table are taken.
    step = np.float32(span.before) / np.float32(span.after)
    out = np.arange(span.first, span.first + span.count, dtype=np.float32)
    x = (out + np.float32(0.5)) * step - np.float32(0.5)
    floor = np.floor(x)
    offset = np.rint((x - floor) * np.float32(TABLE)).astype(np.float64) / TABLE
    at = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    distance = np.stack([offset + 1, offset, 1 - offset, 2 - offset], axis=1)
    inside = (at >= 0) & (at < span.before)
    weight = np.where(inside, _cubic(distance, -0.5), 0.0)
    return Taps(np.clip(at, 0, span.before - 1), _summing_to_1(weight))


def _torch(span: Span) -> Taps:
    out = np.arange(span.first, span.first + span.count, dtype=np.float64)
    x = (out + 0.5) * (span.before / span.after) - 0.5
    floor = np.floor(x)
    part = x - floor
    at = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    distance = np.stack([part + 1, part, 1 - part, 2 - part], axis=1)
    return Taps(np.clip(at, 0, span.before - 1), _cubic(distance, -0.75))


def _triangle(distance: Float64s) -> Float64s:
    return np.maximum(1 - distance, 0)


def _cubic(distance: Float64s, a: float) -> Float64s:
    """Keys, Cubic convolution interpolation for digital image processing, 1981."""
    x = distance
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


#: Name -> how far its kernel reaches, and Keys' a.
_KERNELS = {"bilinear": (1, 0.0), "bicubic": (2, -0.5)}


def _summing_to_1(weight: Float64s) -> Float64s:
    # One after the other, as JavaScript adds.
    shares: Float64s = weight / np.cumsum(weight, axis=1)[:, -1:]
    return shares
