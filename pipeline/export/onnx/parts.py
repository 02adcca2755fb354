"""Weights over the size of file that every host takes, in parts that are joined as the model loads.

ONNX cannot cut a tensor over several files. A Concat of constants costs no run anything: ONNX
Runtime computes it once, when it opens the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from pipeline.artifacts.large_onnx import entries_of, is_external, place, raw_bytes
from pipeline.storage.layout import MOST_FILE_BYTES


def cut_large(model: Any, most: int = MOST_FILE_BYTES) -> None:
    """Cut weights of more bytes along their first axis that is longer than one, in place.

    Rows that are larger themselves, or that end within a byte, leave a weight whole.
    """
    from onnx import helper

    whole = [tensor for tensor in model.graph.initializer if _is_cut(tensor, most)]
    taken = {tensor.name for tensor in model.graph.initializer} | {
        name for node in model.graph.node for name in node.output
    }
    for index, tensor in enumerate(whole):
        parts = list(_parts(tensor, most))
        for number, part in enumerate(parts):
            part.name = _free(f"{tensor.name}_part_{number}", taken)
        names = [part.name for part in parts]
        join = helper.make_node(
            "Concat", names, [tensor.name], _free(f"{tensor.name}_parts", taken), axis=_axis(tensor)
        )
        model.graph.node.insert(index, join)
        model.graph.initializer.remove(tensor)
        model.graph.initializer.extend(parts)


def _is_cut(tensor: Any, most: int) -> bool:
    size = raw_bytes(tensor)
    if size <= most:
        return False
    axis = _axis(tensor)
    rows = tensor.dims[axis] if axis < len(tensor.dims) else 1
    return size % rows == 0 and size // rows <= most


def _axis(tensor: Any) -> int:
    return len(list(takewhile(lambda size: size == 1, tensor.dims)))


def _parts(tensor: Any, most: int) -> Iterator[Any]:
    """Of as many rows as a file holds; the last one of what is left."""
    from onnx import TensorProto

    axis, size = _axis(tensor), raw_bytes(tensor)
    rows = tensor.dims[axis]
    row_bytes = size // rows
    count = most // row_bytes
    for start in range(0, rows, count):
        held = min(count, rows - start)
        part = TensorProto(data_type=tensor.data_type, dims=tensor.dims)
        part.dims[axis] = held
        first, length = start * row_bytes, held * row_bytes
        if is_external(tensor):
            entries = entries_of(tensor)
            place(part, entries["location"], int(entries.get("offset", 0)) + first, length)
        else:
            part.raw_data = tensor.raw_data[first : first + length]
        yield part


def _free(name: str, taken: set[str]) -> str:
    """A name like this that nothing has yet."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
