"""ONNX graphs: read, cut, and unpacked for a reproduction."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.large_onnx import take_in
from pipeline.backends.targets import Target
from pipeline.bisect.graph import ArtifactGraph, Cut, Op, flowing
from pipeline.bisect.pages import SCRIPTS, write_page
from pipeline.bisect.part import part_writer
from pipeline.graphs.onnx.canonical import graphs, sources
from pipeline.tensors.arrays import np


def read(artifact: Path) -> ArtifactGraph:
    """The main graph of an ARTIFACT folder; weights are not loaded."""
    model = _load(artifact)
    sizes = {tensor.name: prod(tensor.dims) for tensor in model.graph.initializer}
    ops = []
    for node in model.graph.node:
        read_here = tuple(sources(node))
        weight = max((sizes.get(name, 0) for name in read_here), default=0)
        if all(name in sizes for name in read_here):
            # What decodes a weight hands its size on.
            sizes |= dict.fromkeys(node.output, weight)
        written = tuple(name for name in node.output if name)
        ops.append(Op(node.name, node.op_type, read_here, written, weight))
    inputs = {value.name: value.name for value in model.graph.input}
    outputs = {value.name: value.name for value in model.graph.output}
    flowing_ops, constants = flowing(ops, inputs)
    return ArtifactGraph(
        flowing_ops, inputs, outputs, constants | {t.name for t in model.graph.initializer}
    )


def cut(artifact: Path, wanted: Cut, folder: Path) -> None:
    """Write the part of an artifact that makes ``wanted.tensors`` as an artifact of its own."""
    from onnx import ModelProto, ValueInfoProto, helper

    model = _load(artifact)
    nodes = list(_select_nodes(model.graph, wanted))
    needed = {name for node in nodes for name in sources(node)}
    part = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    part.functions.extend(model.functions)
    graph = part.graph
    graph.name = model.graph.name
    graph.input.extend(v for v in model.graph.input if v.name in needed - set(wanted.given))
    for name, tensor in wanted.given.items():
        # Sizes by name, so that each sample may have its own.
        sizes = [f"{name}_{axis}" for axis in range(len(tensor.shape))]
        kind = helper.np_dtype_to_tensor_dtype(_dtype(tensor.dtype))
        graph.input.append(helper.make_tensor_value_info(name, kind, sizes))
    graph.initializer.extend(t for t in model.graph.initializer if t.name in needed)
    for node in nodes:
        added = graph.node.add()
        added.CopyFrom(node)
        for index, name in enumerate(node.output):
            added.output[index] = wanted.returned(name)
    # A runtime infers their types.
    graph.output.extend(ValueInfoProto(name=wanted.returned(name)) for name in wanted.tensors)
    writer = part_writer(artifact, wanted, [value.name for value in graph.input], folder)
    for location in _locations(part):
        writer.link_file(artifact / "files" / location)
    content = part.SerializeToString(deterministic=True)
    writer.finish(writer.add_file(content, "onnx"))


def unpack(artifact: Path, folder: Path) -> None:
    """Write an ARTIFACT folder's model as ``model.onnx``, weights within."""
    import onnx

    model = _load(artifact)
    for graph in graphs(model.graph):
        for tensor in graph.initializer:
            if tensor.external_data:
                take_in(tensor, artifact / "files")
    onnx.save(model, folder / "model.onnx")


def write_script(folder: Path, target: Target) -> str:
    """Write ``reproduce.py``, and a page where a browser is needed; return the command to run."""
    shutil.copyfile(SCRIPTS / "reproduce_onnx.py", folder / "reproduce.py")
    natively = "python reproduce.py"
    if target.engine is None:
        return natively
    return f"{write_page(folder, target)}\n\n# in native onnxruntime, to compare:\n{natively}"


def _load(artifact: Path) -> Any:
    import onnx

    return onnx.load(ArtifactFolder(artifact).entry, load_external_data=False)


def _select_nodes(graph: Any, wanted: Cut) -> Iterator[Any]:
    """The nodes that make the wanted tensors, in the graph's order; given ones end the walk."""
    producer = {name: index for index, node in enumerate(graph.node) for name in node.output}
    needed: set[int] = set()
    pending = list(wanted.tensors)
    while pending:
        index = producer.get(pending.pop())
        if index is not None and index not in needed:
            needed.add(index)
            pending += [name for name in sources(graph.node[index]) if name not in wanted.given]
    return (node for index, node in enumerate(graph.node) if index in needed)


def _locations(model: Any) -> Iterable[str]:
    """Files beside the model that hold its weights."""
    entries = (
        entry
        for graph in graphs(model.graph)
        for tensor in graph.initializer
        for entry in tensor.external_data
    )
    return sorted({entry.value for entry in entries if entry.key == "location"})


def _dtype(name: str) -> Any:
    return np.dtype(name)
