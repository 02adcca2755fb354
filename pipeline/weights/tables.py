"""Tells tables of a transform from weights: by what they hold, whatever they are called."""

from __future__ import annotations

from itertools import product

from pipeline.tensors.arrays import Array, Float32s, Float64s, np

#: Float32 holds a cosine as closely as this.
CLOSE = 1e-6

#: Fewer rows or columns are chance.
LEAST = 4

#: Rows that are looked at first.
FIRST = 3


def is_fourier(values: Float32s) -> bool:
    """Whether it is the cosines or sines of a Fourier transform, or of its inverse.

    cos or sin of 2 pi jk / n times a factor for each j, such as a window's or a share of n; of all
    k or of the first half; j along either axis, of the two that have more than one value.
    """
    shape = [size for size in values.shape if size > 1]
    if len(shape) != 2 or min(shape) < LEAST:
        return False
    table = values.reshape(shape)
    return _is_table(table) or _is_table(table.T)


def _is_table(table: Array) -> bool:
    rows, columns = table.shape
    lengths = {n for n in (columns, 2 * columns - 2, 2 * columns - 1) if n >= rows}
    kinds = product(lengths, (np.cos, np.sin))
    return any(
        _fits(table[:FIRST], wave(_angles(FIRST, columns, n)))
        and _fits(table, wave(_angles(rows, columns, n)))
        for n, wave in kinds
    )


def _fits(table: Array, waves: Float64s) -> bool:
    """Whether each row is a multiple of a wave, the second and third of some."""
    energy = (waves**2).sum(axis=1, keepdims=True)
    factors = (table * waves).sum(axis=1, keepdims=True) / np.where(energy > CLOSE, energy, 1)
    reach = float(np.abs(table).max())
    near = float(np.abs(table - factors * waves).max()) <= CLOSE * reach
    return near and bool((np.abs(factors[1:FIRST]) > CLOSE * reach).all())


def turns(rows: int, columns: int, length: int) -> Float64s:
    """jk / n without its whole part, so that it is exact, [rows, columns]."""
    shares: Float64s = np.outer(np.arange(rows), np.arange(columns)) % length / length
    return shares


def _angles(rows: int, columns: int, length: int) -> Float64s:
    angles: Float64s = 2 * np.pi * turns(rows, columns, length)
    return angles
