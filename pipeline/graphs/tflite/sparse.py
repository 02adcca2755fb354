"""Sparse weights as dense ones (the schema's ``SparsityParameters``, TACO's formats).

A tensor is walked dimension by dimension in ``traversal_order``, as in a tree whose leaves are the
values. A level is dense, or it lists the indices that there are (CSR). Numbers of dimensions from
the rank on are blocks: parts of the dimension that ``block_map`` names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pipeline.graphs.tflite.reader import Reader
from pipeline.tensors.arrays import Array, Int64s, np

#: So many numbers for each that is stored at most, beside what is small: a file may not grow
#: without bound.
MOST_GROWTH = 32
SMALL = 2**20


def densify(reader: Reader, sparsity: Any, values: Array, shape: Sequence[int]) -> Array:
    """The dense array.

    Args:
        values: those that are stored, [n].

    Raises:
        ValueError, IndexError: the description contradicts itself, or is too large.
    """
    most = math.prod(shape)
    if most > MOST_GROWTH * values.size + SMALL:
        raise ValueError("sparser than any real weights")
    order = reader.integers(sparsity, "TraversalOrder")
    blocks = reader.integers(sparsity, "BlockMap")
    if sorted(order) != list(range(len(shape) + len(blocks))):
        raise ValueError(order)
    levels = list(reader.tables(sparsity, "DimMetadata"))
    sizes, steps = _dimensions(shape, blocks, [level.DenseSize() for level in levels], order)
    places = np.zeros(1, np.int64)
    for level, dimension in zip(levels, order, strict=True):
        counts, indices = _children(level, sizes[dimension], len(places), most)
        places = np.repeat(places, counts) + indices * steps[dimension]
    dense = np.zeros(most, values.dtype)
    dense[places] = values
    return dense.reshape(shape)


def _dimensions(
    shape: Sequence[int], blocks: Sequence[int], dense: Sequence[int], order: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Of each dimension, blocks behind the tensor's own: its size, and how far its indices are
    apart in the flat array.
    """
    sizes = list(shape)
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    for block, dimension in enumerate(blocks):
        size = dense[order.index(len(shape) + block)]
        if not 0 <= dimension < len(shape) or size < 1 or sizes[dimension] % size:
            raise ValueError(f"blocks of {size}")
        sizes.append(size)
        steps.append(steps[dimension])
        sizes[dimension] //= size
        steps[dimension] *= size
    return sizes, steps


def _children(level: Any, size: int, places: int, most: int) -> tuple[Int64s | int, Int64s]:
    """How many children each place has, and their indices in this dimension."""
    if level.Format() == 0:
        if level.DenseSize() != size or places * size > most:
            raise ValueError(f"a dense level of {level.DenseSize()}")
        return size, np.tile(np.arange(size), places)
    ends = _segment(level.ArraySegmentsType(), level.ArraySegments())
    indices = _segment(level.ArrayIndicesType(), level.ArrayIndices())
    counts: Int64s = np.diff(ends)
    if len(counts) != places or (counts < 0).any() or (ends[0], ends[-1]) != (0, len(indices)):
        raise ValueError("segments that do not fit")
    if indices.size and not 0 <= indices.min() <= indices.max() < size:
        raise ValueError("indices outside of the tensor")
    return counts, indices


def _segment(kind: int, table: Any) -> Int64s:
    """Indices, which are of 32, 16 or 8 bits."""
    from tensorflow.lite.python import schema_py_generated as schema

    vector = (None, schema.Int32Vector, schema.Uint16Vector, schema.Uint8Vector)[kind]
    if vector is None or table is None:
        raise ValueError("no indices")
    owner = vector()
    owner.Init(table.Bytes, table.Pos)
    values = owner.ValuesAsNumpy() if owner.ValuesLength() else np.zeros(0)
    indices: Int64s = values.astype(np.int64)
    return indices
