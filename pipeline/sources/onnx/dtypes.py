"""The dtypes of an ONNX file's weights, found without a library: planning imports none.

Wire format: a field is its number and kind in one varint, then a varint (kind 0), 8 bytes (1), a
length and so many bytes (2), or 4 bytes (5); https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

#: Fields: ModelProto.graph, GraphProto.initializer, TensorProto.data_type.
_GRAPH, _INITIALIZER, _DATA_TYPE = 7, 5, 2

#: TensorProto.DataType of floats of 16 bits.
_NARROW = {10: "float16", 16: "bfloat16"}


def list_narrow(path: Path) -> tuple[str, ...]:
    """Those of fewer bits than float32 that weights have; none of a file that is no model."""
    try:
        with path.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
            dtypes = {_NARROW[number] for number in _dtypes(content) if number in _NARROW}
    except (OSError, ValueError, IndexError):
        return ()
    return tuple(sorted(dtypes))


def _dtypes(content: mmap) -> Iterator[int]:
    for field, start, end in _fields(content, 0, len(content)):
        if field != _GRAPH:
            continue
        for inner, first, last in _fields(content, start, end):
            if inner == _INITIALIZER:
                yield from (
                    value for f, value, _ in _fields(content, first, last) if f == _DATA_TYPE
                )


def _fields(content: mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Field number, and where its bytes begin and end; of a number itself, and nothing."""
    while at < end:
        tag, at = _varint(content, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield tag >> 3, value, 0
        elif kind == 2:
            length, at = _varint(content, at)
            yield tag >> 3, at, min(at + length, end)
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"no field of the kind {kind}")


def _varint(content: mmap, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number of more than 64 bits")
