"""The files of an ONNX model: which there are, whether they are whole, and where they may lie."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.base.errors import SourceError
from pipeline.graphs.onnx.to_tensorflow.outline import all_nodes, as_text, read
from pipeline.graphs.onnx.to_tensorflow.weights import place_of

MODEL = ConvertedOnnx.MODEL

#: protobuf holds no more.
MAX_BYTES = 2**31

#: All files of one model.
MAX_TOTAL_BYTES = 16 * 2**30

#: The oldest version of the format that has named opsets; a SavedModel begins with a 1.
_OLDEST_IR = 3

#: What may follow the version: names, versions, a text, the graph, opsets (their fields' tags).
_NEXT = b"\x12\x1a\x22\x28\x32\x3a\x42"


def is_model(path: Path) -> bool:
    """Whether a file begins as ONNX's protobuf does, and has nodes."""
    with path.open("rb") as opened:
        start = opened.read(3)
    if len(start) < 3 or start[0] != 8 or not _OLDEST_IR <= start[1] < 32 or start[2] not in _NEXT:
        return False
    try:
        return bool(read_model(path).graph.node)
    except SourceError:
        return False


def read_model(path: Path) -> Any:
    """The ``ModelProto`` of a file.

    Raises:
        SourceError: it is none.
    """
    if not path.is_file() or path.stat().st_size >= MAX_BYTES:
        raise SourceError(
            "this is no ONNX model: a file of less than 2 GiB",
            where=path.name,
            todo="name the .onnx file; weights over 2 GiB lie in files beside it",
        )
    return read(path.read_bytes())


def list_beside(path: Path) -> list[Path]:
    """Files of weights that are there; what is wrong is for ``copy`` to say."""
    try:
        return _beside(read_model(path), path.parent)
    except SourceError:
        return []


def copy(path: Path, work: Path) -> None:
    """Copy the model and the files that it names.

    Raises:
        SourceError: it is no model, or its weights lie elsewhere, or are too large.
    """
    model = read_model(path)
    beside = _beside(model, path.parent)
    if sum(file.stat().st_size for file in beside) > MAX_TOTAL_BYTES:
        raise SourceError(f"refused: more than {MAX_TOTAL_BYTES:,} bytes", where=path.name)
    if any(file.relative_to(path.parent).as_posix() == MODEL for file in beside):
        raise SourceError(
            f"its weights are in a file that is called {MODEL} too",
            where=path.name,
            todo="save the model again with its weights in a file of another name",
        )
    shutil.copyfile(path, work / MODEL)
    for file in beside:
        target = work / file.relative_to(path.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _beside(model: Any, folder: Path) -> list[Path]:
    paths = {}
    with as_text():
        for tensor in _tensors(model):
            if tensor.external_data:
                said = {entry.key: entry.value for entry in tensor.external_data}
                path = place_of(said, tensor.name, folder)
                paths[path] = path
    return list(paths)


def _tensors(model: Any) -> Iterator[Any]:
    yield from model.graph.initializer
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    for node in all_nodes(nodes):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer
