"""ONNX weights in files of a bounded size, written as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts.large_onnx import pieces, place, raw_bytes
from pipeline.base.errors import PipelineError
from pipeline.engine.step import progress_bytes
from pipeline.weights.sharding import Tensor, is_kernel, shards

AddFile = Callable[[Iterable[Any]], str]

#: A reference to external data takes about 120 bytes of the graph's file, so that
#: moving a smaller tensor would gain nothing.
EXTERNAL_BYTES = 256

#: Offsets are multiples of this, so that mapped weights fit SIMD loads and cache lines.
ALIGNMENT_BYTES = 64


def externalize(model: Any, shard_bytes: int, add_file: AddFile, folder: Path) -> None:
    """Move the weights of ``model`` to files of at most ``shard_bytes``, which follow its layers.

    A larger tensor gets a file of its own; ``parts.py`` cuts those that no host takes. What the
    bodies of If and Loop hold stays in the graph's file: ONNX Runtime reads no hard-linked file
    for them.

    Args:
        add_file: stores the bytes, of which it gets one piece after another, and returns the bare
            name of the file.
        folder: where files of tensors that are in some already lie.

    Raises:
        PipelineError: the graph without its weights is over protobuf's limit.
    """
    shards, done = list(_shards(model, shard_bytes)), 0
    total = sum(raw_bytes(tensor) for tensors in shards for tensor in tensors)
    for tensors in shards:
        location = add_file(_content(tensors, folder))
        offset = 0
        for tensor in tensors:
            offset = _align(offset)
            length = raw_bytes(tensor)
            place(tensor, location, offset, length)
            offset += length
            done += length
        progress_bytes(done, total, "written")
    if model.ByteSize() >= 2**31:
        raise PipelineError(
            "the graph is over 2 GiB without its weights, the limit of ONNX files",
            todo="split the model",
        )


def _content(tensors: Sequence[Any], folder: Path) -> Iterator[Any]:
    size = 0
    for tensor in tensors:
        yield bytes(_align(size) - size)
        yield from pieces(tensor, folder)
        size = _align(size) + raw_bytes(tensor)


def _shards(model: Any, shard_bytes: int) -> Iterator[list[Any]]:
    large = [t for t in model.graph.initializer if raw_bytes(t) >= EXTERNAL_BYTES]
    tensors = [
        Tensor(tensor.name, _align(raw_bytes(tensor)), is_kernel(tensor.dims)) for tensor in large
    ]
    for shard in shards(tensors, shard_bytes):
        yield [large[index] for index in shard]


def _align(size: int) -> int:
    return size + -size % ALIGNMENT_BYTES
