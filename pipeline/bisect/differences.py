"""How far a tensor is from the source's, in whatever layout it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.tensors.arrays import Array, np

Layout = Literal["same", "channels first", "channels last"]

#: A tensor that varies by less than this share of its size is taken as a constant.
CONSTANT = 1e-3


@dataclass
class LargestDifference:
    """The largest difference over samples, as a share of the range of the source's values.

    A share, since activations are of any size; of the range and not of the size, so that an
    offset hides nothing; the largest one, so that one wrong channel is not averaged away.
    """

    largest: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, values: Array, expected: Array) -> None:
        """Compare one sample: arrays of one shape."""
        if not expected.size:
            return
        ours, theirs = values.astype(np.float64), expected.astype(np.float64)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        with np.errstate(invalid="ignore"):
            difference = np.where(same, 0.0, np.abs(ours - theirs))
        # What is NaN on one side only is as wrong as can be.
        largest = np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max()
        self.largest = max(self.largest, float(largest))
        finite = theirs[np.isfinite(theirs)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))

    @property
    def share(self) -> float:
        """The largest difference as a share of ``scale``."""
        return self.largest / self.scale

    @property
    def scale(self) -> float:
        """The range of the source's values; their size where all are one; 1 where all are 0."""
        if self.low > self.high:
            return 1.0
        size = max(abs(self.low), abs(self.high))
        spread = self.high - self.low
        return (spread if spread > CONSTANT * size else size) or 1.0


def layouts(shape: tuple[int, ...], source: tuple[int, ...]) -> list[Layout]:
    """The ways in which a tensor of ``shape`` can hold one of the shape ``source``."""
    fitting: list[Layout] = []
    if _without_ones(shape) == _without_ones(source):
        fitting.append("same")
    if len(shape) == len(source) > 2:
        if (shape[0], *shape[2:], shape[1]) == source:
            fitting.append("channels first")
        if (shape[0], shape[-1], *shape[1:-1]) == source:
            fitting.append("channels last")
    return fitting


def to_source(values: Array, layout: Layout, shape: tuple[int, ...]) -> Array:
    """An artifact's tensor, laid out as the source's of this shape."""
    if layout == "channels first":
        return np.moveaxis(values, 1, -1)
    return np.moveaxis(values, -1, 1) if layout == "channels last" else values.reshape(shape)


def from_source(values: Array, layout: Layout, shape: tuple[int, ...]) -> Array:
    """The source's tensor, laid out as the artifact's of this shape."""
    if layout == "channels first":
        return np.moveaxis(values, -1, 1)
    return np.moveaxis(values, 1, -1) if layout == "channels last" else values.reshape(shape)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
