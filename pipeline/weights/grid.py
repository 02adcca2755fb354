"""Finds the uniform grid that values already lie on, so that no codec moves them.

Pruning, clustering, learned rounding and quantization-aware training leave float32 weights
``value = number * scale`` with whole numbers. ``scale`` is their greatest common divisor, known
up to what float32 rounds off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.tensors.arrays import Float32s, Int64s, NDArray, np

if TYPE_CHECKING:
    Floats = NDArray[np.floating]

#: How far from whole a number may be, as a share of itself: two roundings to float32, of the value
#: and of the one that it is divided by, and twice that for what computed them.
TOLERANCE = 2.0**-21


@dataclass(frozen=True)
class Grid:
    """``values = numbers * scale``; zero is the number 0."""

    numbers: Int64s
    """As many and in the shape of the values."""

    scale: Float32s
    """One in all, shape ``()``, or one per channel, ``[channels]``."""


def find(values: Float32s, axis: int | None, levels: int) -> Grid | None:
    """The coarsest grid that holds all values, or ``None``.

    Args:
        values: float32, any shape; infinite ones and such as are no numbers are on no grid.
        axis: look for one grid per index along this axis; ``None`` for one in all.
        levels: how many steps of the grid there may be from the least value (or zero) to the
            greatest (or zero), both counted; at most 65536.
    """
    rows = values.reshape(1, -1) if axis is None else _rows(values, axis)
    grids = []
    for row in rows:
        on_grid = _of_row(row, levels)
        if on_grid is None:
            return None
        grids.append(on_grid)
    numbers = np.stack([numbers for numbers, _ in grids])
    scale = np.array([scale for _, scale in grids], np.float32)
    if axis is None:
        return Grid(numbers.reshape(values.shape), scale[0].reshape(()))
    moved = np.moveaxis(values, axis, 0).shape
    return Grid(np.moveaxis(numbers.reshape(moved), 0, axis), scale)


def _rows(values: Float32s, axis: int) -> Float32s:
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _of_row(row: Float32s, levels: int) -> tuple[Int64s, float] | None:
    """Whole numbers and their scale."""
    # Most tensors are on no grid, and a part of them shows it.
    if np.unique(row[: 2 * levels]).size > levels:
        return None
    distinct = np.unique(row).astype(np.float64)
    distinct = distinct[distinct != 0]
    if not np.isfinite(distinct).all():
        return None
    if not distinct.size:
        return np.zeros(row.shape, np.int64), 1.0
    step = _divisor(distinct, levels)
    if step is None:
        return None
    numbers = np.rint(distinct / step)
    scale = _fitting(distinct, numbers)
    if (np.abs(numbers * scale - distinct) > TOLERANCE * np.abs(distinct)).any():
        return None
    return np.rint(row.astype(np.float64) / scale).astype(np.int64), scale


def _divisor(distinct: Floats, levels: int) -> float | None:
    """The greatest common divisor of values without zero, if few enough steps hold them all.

    The least value is divided by more and more until all others are its multiples; what by is the
    denominator of the ratio that does not come out whole.
    """
    from fractions import Fraction

    least = float(np.abs(distinct).min())
    span = max(float(distinct.max()), 0) - min(float(distinct.min()), 0)
    parts, most = 1, int(least * (levels - 1) / span * (1 + TOLERANCE))
    while parts <= most:
        ratio = np.abs(distinct) * (parts / least)
        broken = np.abs(ratio - np.rint(ratio)) > TOLERANCE * ratio
        if not broken.any():
            return least / parts
        # The smallest of them is known the best.
        first = Fraction(float(ratio[broken].min())).limit_denominator(max(1, most // parts))
        if first.denominator == 1:
            return None
        parts *= first.denominator
    return None


def _fitting(distinct: Floats, numbers: Floats) -> float:
    """The float32 whose products with the numbers are the values, or come closest to them."""
    half = np.spacing(np.abs(distinct).astype(np.float32)).astype(np.float64) / 2
    low = ((np.abs(distinct) - half) / np.abs(numbers)).max()
    high = ((np.abs(distinct) + half) / np.abs(numbers)).min()
    if low > high:
        # No factor gives all of them: the one with the least squares of errors.
        return float(np.float32((distinct * numbers).sum() / (numbers**2).sum()))
    return float(np.float32((low + high) / 2))
