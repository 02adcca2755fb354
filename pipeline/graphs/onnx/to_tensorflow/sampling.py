"""Where a resizing takes its samples, and how much of each: a matrix for each axis.

The formulas are those of ONNX's specification of Resize (onnx/docs/Operators.md, opset 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.tensors.arrays import Float32s, Float64s, np

COORDINATES = frozenset(
    ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
)


@dataclass(frozen=True)
class Axis:
    """One axis of what is resized; ``None`` for a free size."""

    before: int | None
    after: int | None
    scale: float


@dataclass(frozen=True)
class How:
    """Options of a resizing.

    Beside ONNX's own coordinates there is ``pixel_centers``, with which TensorFlow looks for the
    nearest pixel, and the rounding ``half_up``.
    """

    mode: str
    coordinates: str
    rounding: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False


def matrix(axis: Axis, how: How) -> Float64s:
    """[after, before]: what share each old pixel has in each new one."""
    before, after = axis.before or 0, axis.after or 0
    place = _coordinates(axis, how)
    if how.mode == "nearest":
        nearest = _rounded(place, how.rounding).clip(0, max(before - 1, 0)).astype(int)
        gathered: Float64s = np.eye(before)[nearest]
        return gathered
    at = place.astype(np.float64)
    spread = min(axis.scale, 1.0) if how.antialias else 1.0
    reach = int(np.ceil((1 if how.mode == "linear" else 2) / spread))
    result = np.zeros((after, before))
    base = np.floor(at).astype(int)
    shares = []
    for offset in range(1 - reach, reach + 1):
        distance = (at - (base + offset)) * spread
        share = _linear(distance) if how.mode == "linear" else _cubic(distance, how.cubic)
        outside = (base + offset < 0) | (base + offset >= before)
        if how.exclude_outside:
            share = np.where(outside, 0, share)
        shares.append(share)
    total = np.sum(shares, axis=0)
    for offset, share in zip(range(1 - reach, reach + 1), shares, strict=True):
        border = (base + offset).clip(0, before - 1)
        result[np.arange(after), border] += share / total
    return result


def _coordinates(axis: Axis, how: How) -> Float32s:
    """Where each new pixel lies among the old ones; in float32, as runtimes count."""
    before, after, scale = axis.before or 0, axis.after or 0, np.float32(axis.scale)
    x = np.arange(after, dtype=np.float32)
    if how.coordinates == "pixel_centers":
        return (x + np.float32(0.5)) / scale
    if how.coordinates == "asymmetric":
        return x / scale
    if how.coordinates == "align_corners":
        return x * np.float32(before - 1) / np.float32(after - 1) if after > 1 else x * 0
    if how.coordinates == "pytorch_half_pixel" and after <= 1:
        return x * 0
    centred = (x + np.float32(0.5)) / scale - np.float32(0.5)
    if how.coordinates == "half_pixel_symmetric":
        return np.float32(before / 2 * (1 - after / (before * axis.scale))) + centred
    return centred


def _rounded(at: Float32s, rounding: str) -> Any:
    half = np.float32(0.5)
    if rounding == "round_prefer_floor":
        return np.ceil(at - half)
    if rounding in ("round_prefer_ceil", "half_up"):
        return np.floor(at + half)
    return np.floor(at) if rounding == "floor" else np.ceil(at)


def _linear(distance: Float64s) -> Float64s:
    share: Float64s = np.maximum(1 - np.abs(distance), 0)
    return share


def _cubic(distance: Float64s, a: float) -> Float64s:
    """Keys' cubic convolution."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    share: Float64s = np.where(x <= 1, near, np.where(x < 2, far, 0))
    return share
