"""Writes a graph's weights into one file, the large ones a few MiB at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, BinaryIO

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.large import blocks
from pipeline.engine.step import progress_bytes
from pipeline.tensors.arrays import Array

Entry = dict[str, Any]

#: What TF.js has for what it has not, as tensorflowjs' own writer has it.
NARROWED = {"float16": "float32", "float64": "float32", "int64": "int32", "complex128": "complex64"}


def write_weights(
    module: Any,
    groups: Sequence[Sequence[Entry]],
    large: Mapping[str, Array],
    converted: ConvertedTfjs,
) -> list[Entry]:
    """Write all weights in order; return the manifest, of one group.

    Args:
        module: ``tensorflowjs.write_weights``.
        groups: ``{"name", "data"}`` of each weight; the data of large ones does not count.
        large: the values of the large ones, by name.
    """
    entries = [entry for group in groups for entry in group]
    manifest: list[Entry] = []
    with converted.weights_file.open("wb") as file:
        for is_large, run in groupby(entries, lambda entry: entry["name"] in large):
            if is_large:
                manifest += _write_large(file, [entry["name"] for entry in run], large)
            else:
                manifest += _write_small(file, module, list(run), converted)
    return [{"paths": [converted.weights_file.name], "weights": manifest}]


def _write_large(
    file: BinaryIO, names: Sequence[str], large: Mapping[str, Array]
) -> Iterator[Entry]:
    total = sum(array.nbytes for array in large.values())
    for name in names:
        array = large[name]
        dtype = NARROWED.get(array.dtype.name, array.dtype.name)
        for block in blocks(array.astype(dtype, copy=False)):
            file.write(block)
        progress_bytes(min(file.tell(), total), total, "of weights written")
        yield {"name": name, "shape": list(array.shape), "dtype": dtype}


def _write_small(
    file: BinaryIO, module: Any, entries: list[Entry], converted: ConvertedTfjs
) -> Sequence[Entry]:
    """By tensorflowjs itself, which knows strings too."""
    (group,) = module.write_weights(
        [entries], str(converted.folder), write_manifest=False, shard_size_bytes=2**40
    )
    for path in group["paths"]:
        part = converted.folder / path
        file.write(part.read_bytes())
        part.unlink()
    weights: Sequence[Entry] = group["weights"]
    return weights
