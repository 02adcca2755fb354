"""Large constants beside a graph, each in a file named by its digest: no protobuf holds them.

Protobuf ends at 2 GiB, and each pass over a graph copies what it holds. A constant in a GraphDef
whose value lies in such a file has its type and shape, no content, and the attribute ``_large``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.base.errors import PipelineError
from pipeline.tensors.arrays import Array, np

#: Smaller ones stay in the graph, where every pass of the converters sees them.
LARGE_BYTES = 2**20

#: What is read, hashed and written at once.
BLOCK_BYTES = 2**22

ATTRIBUTE = "_large"


def is_large(size_bytes: int) -> bool:
    """Whether a constant of so many bytes has a file of its own."""
    return size_bytes >= LARGE_BYTES


@dataclass(frozen=True)
class LargeTensors:
    """The files of one folder that a step reads or writes."""

    folder: Path

    NAME: ClassVar = "large"

    @classmethod
    def of(cls, folder: Path) -> LargeTensors:
        """Those of a FROZEN or CONVERTED folder."""
        return cls(folder / cls.NAME)

    def file(self, key: str) -> Path:
        return self.folder / f"{key}.bin"

    def keep(self, array: Array) -> str:
        """Write an array of numbers; its key is the sha256 of its bytes, little-endian."""
        self.folder.mkdir(exist_ok=True)
        aside = self.folder / f".{os.getpid()}"
        sha256 = hashlib.sha256()
        with aside.open("wb") as file:
            for block in blocks(array):
                sha256.update(block)
                file.write(block)
        aside.replace(self.file(sha256.hexdigest()))
        return sha256.hexdigest()

    def take(self, keys: Iterable[str], other: LargeTensors) -> None:
        """Take over files of another folder."""
        for key in keys:
            self.folder.mkdir(exist_ok=True)
            if not self.file(key).exists():
                link(other.file(key), self.file(key))

    def read(self, key: str, dtype: Any, shape: Iterable[int]) -> Array:
        """An array that is mapped to its file, not read into memory."""
        values: Array = np.memmap(self.file(key), np.dtype(dtype), "r", shape=tuple(shape))
        return values


def blocks(array: Array) -> Iterator[memoryview]:
    """The bytes of an array of numbers in C order, little-endian, a few MiB at a time."""
    little = array.dtype.newbyteorder("<")
    flat = np.ascontiguousarray(array).reshape(-1)
    step = max(1, BLOCK_BYTES // array.dtype.itemsize)
    for start in range(0, flat.size, step):
        yield flat[start : start + step].astype(little, copy=False).data.cast("B")


def link(path: str | Path, target: str | Path) -> None:
    """A hard link where one can be, else a copy: onnxruntime follows no symbolic one."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def key_of(node: Any) -> str:
    """The key of a constant of a GraphDef; empty where it has its value inside."""
    return node.attr[ATTRIBUTE].s.decode() if ATTRIBUTE in node.attr else ""


def keys_of(graph_def: Any) -> dict[str, str]:
    """Constant -> key, of those in files."""
    return {node.name: key_of(node) for node in graph_def.node if ATTRIBUTE in node.attr}


def array_of(node: Any, large: LargeTensors) -> Array:
    """The value of a constant in a file."""
    from tensorflow import as_dtype

    dims = (dim.size for dim in node.attr["value"].tensor.tensor_shape.dim)
    return large.read(key_of(node), as_dtype(node.attr["dtype"].type).as_numpy_dtype, dims)


def spill(graph_def: Any, large: LargeTensors) -> None:
    """Move the values of large constants to files, in place; those in loops' bodies stay."""
    from tensorflow import as_dtype, make_ndarray

    for node in graph_def.node:
        if node.op != "Const" or ATTRIBUTE in node.attr or not is_large(node.ByteSize()):
            continue
        tensor = node.attr["value"].tensor
        if as_dtype(tensor.dtype).is_numpy_compatible and tensor.dtype != as_dtype("string"):
            point(node, large.keep(make_ndarray(tensor)))


def point(node: Any, key: str) -> None:
    """Let a constant have its value in a file."""
    tensor = node.attr["value"].tensor
    outline = type(tensor)(dtype=tensor.dtype, tensor_shape=tensor.tensor_shape)
    tensor.CopyFrom(outline)
    node.attr[ATTRIBUTE].s = key.encode()


def fill(graph_def: Any, large: LargeTensors) -> None:
    """Put the values of large constants back, in place.

    Raises:
        PipelineError: they are more than protobuf holds.
    """
    held = [node for node in graph_def.node if ATTRIBUTE in node.attr]
    check_fits(sum(large.file(key_of(node)).stat().st_size for node in held))
    for node in held:
        node.attr["value"].tensor.tensor_content = large.file(key_of(node)).read_bytes()
        del node.attr[ATTRIBUTE]


def check_fits(size_bytes: int) -> None:
    """Refuse to put more into one graph than protobuf holds.

    Raises:
        PipelineError: it is more.
    """
    if size_bytes >= 2**31:
        raise PipelineError(
            "the model is over 2 GiB, and this technique needs all of it in one graph",
            todo="use float16, uint16 or uint8 alone, which take weights one by one",
        )
