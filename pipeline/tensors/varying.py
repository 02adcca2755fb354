"""Outputs whose shape depends on the sample: a detector gives as many boxes as it finds.

In memory such an output of n samples is an object array, [n], of arrays. In a file it is the
values of all samples one after another, and ``<name>.shapes``, int64 [n, rank].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.tensors.arrays import Array, Arrays, np

#: Behind the name of an output whose shape varies: the shape of each sample.
SHAPES = ".shapes"


def join(samples: Sequence[Array]) -> Array:
    """[n, …] of n samples of one shape; of several shapes an object array, [n]."""
    if len({sample.shape for sample in samples}) == 1:
        return np.stack(samples)
    rank = max(sample.ndim for sample in samples)
    joined = np.empty(len(samples), object)
    for index, sample in enumerate(samples):
        # One box may have come as [4] where two came as [2, 4].
        joined[index] = sample.reshape((1,) * (rank - sample.ndim) + sample.shape)
    return joined


def varies(values: Array) -> bool:
    """Whether it is of several shapes."""
    return values.dtype == object


def flat(values: Array) -> Array:
    """All values of all samples, [m]."""
    return (
        np.concatenate([sample.ravel() for sample in values]) if varies(values) else values.ravel()
    )


def pad(values: Array, sizes: Sequence[int] | None = None) -> Array:
    """[n, …] with zeros behind each sample that is smaller than ``sizes``, or than the largest."""
    sizes = tuple(_largest(values) if sizes is None else sizes)
    if not varies(values) and values.shape[1:] == sizes:
        return values
    padded = np.zeros((len(values), *sizes), values[0].dtype)
    for sample, target in zip(values, padded, strict=True):
        target[tuple(slice(size) for size in sample.shape)] = sample
    return padded


def _largest(values: Sequence[Array] | Array) -> tuple[int, ...]:
    return tuple(int(size) for size in np.max([sample.shape for sample in values], axis=0))


def align(answered: Array, expected: Array) -> tuple[Array, Array, float | None]:
    """Two outputs of the same samples in one shape, and in what share of samples theirs differ.

    What only one of them has is zero in the other. The share is ``None`` where neither varies;
    they are then given back as they are.
    """
    if not (varies(answered) or varies(expected)):
        return answered, expected, None
    both = join([*answered, *expected])
    answered, expected = both[: len(answered)], both[len(answered) :]
    other = [a.shape != b.shape for a, b in zip(answered, expected, strict=True)]
    sizes = _largest([*answered, *expected])
    return pad(answered, sizes), pad(expected, sizes), float(np.mean(other))


def pack(arrays: Arrays) -> dict[str, Array]:
    """Arrays that a file of tensors holds."""
    packed: dict[str, Array] = {}
    for name, values in arrays.items():
        packed[name] = np.ascontiguousarray(flat(values) if varies(values) else values)
        if varies(values):
            packed[name + SHAPES] = np.array([sample.shape for sample in values], np.int64)
    return packed


def unpack(packed: Arrays) -> dict[str, Array]:
    """What ``pack`` was given."""
    unpacked = {name: values for name, values in packed.items() if not name.endswith(SHAPES)}
    for name in [name for name in packed if name.endswith(SHAPES)]:
        shapes = packed[name]
        parts = np.split(packed[name.removesuffix(SHAPES)], np.cumsum(shapes.prod(axis=1))[:-1])
        # Never joined to one shape: what was taken out of more samples varies as they do.
        samples = np.empty(len(parts), object)
        for index, (part, shape) in enumerate(zip(parts, shapes, strict=True)):
            samples[index] = part.reshape(shape)
        unpacked[name.removesuffix(SHAPES)] = samples
    return unpacked


def row(tensors: Any, name: str, sample: int) -> Array:
    """One sample of an open file of ``pack``'s tensors, of which no more is read."""
    values = tensors.get_slice(name)
    if name + SHAPES not in list(tensors.keys()):
        single: Array = values[sample : sample + 1][0]
        return single
    shapes = tensors.get_tensor(name + SHAPES)
    start, count = int(shapes[:sample].prod(axis=1).sum()), int(shapes[sample].prod())
    varying: Array = values[start : start + count].reshape(shapes[sample])
    return varying
