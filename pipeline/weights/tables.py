"""Tells tables of a transform from weights: by what they hold, whatever they are called."""

from __future__ import annotations

from itertools import product

from pipeline.tensors.arrays import Float32s, Float64s, np

#: Float32 holds a cosine as closely as this.
CLOSE = 1e-6

#: Fewer rows or columns are chance.
LEAST = 4


def is_fourier(values: Float32s) -> bool:
    """Whether it is the cosines or sines of a real Fourier transform.

    cos or sin of 2 pi jk / n, [rows, n // 2 + 1] with the first j of n, in any shape that has one
    other axis at most of more than one value. Reads two rows of what is none.
    """
    shape = [size for size in values.shape if size > 1]
    if len(shape) != 2 or min(shape) < LEAST:
        return False
    table = values.reshape(shape)
    rows, columns = shape
    lengths = (n for n in (2 * columns - 2, 2 * columns - 1) if n >= rows)
    return any(
        np.allclose(table[:2], wave(_turns(2, n)), atol=CLOSE, rtol=0)
        and np.allclose(table, wave(_turns(rows, n)), atol=CLOSE, rtol=0)
        for n, wave in product(lengths, (np.cos, np.sin))
    )


def _turns(rows: int, length: int) -> Float64s:
    """2 pi jk / n, reduced so that it is exact, [rows, n // 2 + 1]."""
    turns = np.outer(np.arange(rows), np.arange(length // 2 + 1)) % length / length
    angles: Float64s = 2 * np.pi * turns
    return angles
