"""An ONNX graph without its weights: read, made of plain operators, with the shapes of its tensors.

The C++ code of the onnx package works on a graph as bytes; without weights these are few, also of a
model over 2 GiB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.to_tensorflow.node import Sizes

OLDEST, NEWEST = 7, 23

#: Nodes of a graph; real models have thousands.
MOST_NODES = 200_000

#: Constants of so many elements may be shapes or axes, which shape inference reads.
_SMALL = 64


@dataclass(frozen=True)
class Outline:
    """A model as the converter reads it."""

    model: Any
    """Without its initializers."""
    tensors: Mapping[str, Any]
    """The initializers, as ``TensorProto``, by name."""
    opset: int
    shapes: dict[str, Sizes] = field(default_factory=dict)
    """What shape inference found out, by tensor."""
    wide: Collection[str] = ()
    """Tensors of integers of 64 bits, as far as it told."""


def read(content: bytes) -> Any:
    """The ``ModelProto`` of a file's bytes.

    Raises:
        SourceError: it is none.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(content)
    except DecodeError:
        model = ModelProto()
    if not model.graph.node:
        raise SourceError(
            "this is no ONNX model: it holds no nodes that can be read",
            where="onnx",
            todo="get the file again; its name ends in .onnx, and Netron opens it",
        )
    return model


def outline(model: Any, dimensions: Mapping[str, int | None], known: Collection[str]) -> Outline:
    """Take a model apart; the model itself is emptied of its weights.

    Args:
        dimensions: sizes of free dimensions, by name; ``None`` for one that stays free.
        known: operators that need not be written in others.

    Raises:
        SourceError: its opset is not read, or it calls itself.
    """
    from onnx import TensorProto

    bare = without_shapes(model, dimensions, known)
    skeleton, tensors, opset = bare.model, bare.tensors, bare.opset
    with as_text():
        told = list(_inferred(skeleton, tensors))
        shapes = {value.name: _sizes(value) for value in told if _ranked(value)}
        wide = [v.name for v in told if v.type.tensor_type.elem_type == TensorProto.INT64]
        return Outline(skeleton, tensors, opset, shapes, frozenset(wide))


def without_shapes(
    model: Any, dimensions: Mapping[str, int | None], known: Collection[str]
) -> Outline:
    """The same without shape inference, which takes the longest."""
    opset = opset_of(model)
    with as_text():
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        skeleton = type(model)()
        skeleton.CopyFrom(_emptied(model))
        fix_dimensions(skeleton.graph, dimensions)
        skeleton = inlined(skeleton, known)
    if len(skeleton.graph.node) > MOST_NODES:
        raise SourceError(f"the graph has more than {MOST_NODES:,} nodes", where="onnx")
    return Outline(skeleton, tensors, opset)


@contextmanager
def as_text() -> Iterator[None]:
    """Read names of a file that may be damaged.

    Raises:
        SourceError: one is no text.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise SourceError(
            "the file is damaged: a name in it is no text", where="onnx", todo="get the file again"
        ) from error


def _emptied(model: Any) -> Any:
    for name in ("initializer", "value_info", "quantization_annotation"):
        model.graph.ClearField(name)
    model.ClearField("metadata_props")
    return model


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators.

    Raises:
        SourceError: it is not one of those that are read.
    """
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    version = versions[0] if versions else 1
    if not OLDEST <= version <= NEWEST:
        raise SourceError(
            f"the model is in opset {version}; {OLDEST} to {NEWEST} are read",
            where="onnx",
            todo=f"convert it: onnx.version_converter.convert_version(model, {min(NEWEST, 17)})",
        )
    return int(version)


def free_dimensions(model: Any) -> list[str]:
    """Names of sizes that users decide."""
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in held]
    names = [dim.dim_param for v in inputs for dim in v.type.tensor_type.shape.dim if dim.dim_param]
    return list(dict.fromkeys(names))


def fix_dimensions(graph: Any, dimensions: Mapping[str, int | None]) -> None:
    """Give free dimensions sizes, by name, in place; ``None`` leaves one free."""
    for value in (*graph.input, *graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if (size := dimensions.get(dim.dim_param)) is not None:
                dim.dim_value = size


def inlined(model: Any, known: Collection[str] | None = None) -> Any:
    """Functions of the model's own, written out.

    Args:
        known: operators that stay, of those that ONNX defines by others; ``None`` for all.

    Raises:
        SourceError: one calls itself, or cannot be written out.
    """
    from onnx import inliner

    _check_recursion(model)
    try:
        if model.functions:
            model = inliner.inline_local_functions(model)
        if names := [] if known is None else _composed(model, known):
            model = inliner.inline_selected_functions(model, names, inline_schema_functions=True)
    except Exception as error:  # whatever the library raises of a damaged function
        raise SourceError(
            f"a function of the model cannot be written out ({reason_of(error)})",
            where="onnx",
            todo="export the model again without functions of its own",
        ) from error
    return model


def _composed(model: Any, known: Collection[str]) -> list[tuple[str, str]]:
    from onnx import defs

    names = []
    for name in sorted({n.op_type for n in model.graph.node if n.domain in ("", "ai.onnx")}):
        if name not in known and defs.has(name):
            schema = defs.get_schema(name)
            if schema.has_function or schema.has_context_dependent_function:
                names.append(("", name))
    return names


def _check_recursion(model: Any) -> None:
    local_functions = {(function.domain, function.name) for function in model.functions}
    calls = {
        (function.domain, function.name): {
            key
            for node in all_nodes(function.node)
            if (key := (node.domain, node.op_type)) in local_functions
        }
        for function in model.functions
    }
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        name = error.args[1][0][1]
        raise SourceError(
            f"the function {name!r} of this model calls itself", where="onnx"
        ) from error


def all_nodes(nodes: Any) -> Iterator[Any]:
    """Nodes, and those of graphs within them."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting += graph.node


def read_by(node: Any) -> list[str]:
    """What a node and the graphs within it read."""
    names = [name for inner in all_nodes([node]) for name in inner.input if name]
    graphs = [graph for a in node.attribute for graph in (a.g, *a.graphs)]
    return names + [value.name for graph in graphs for value in graph.output]


def needed(graph: Any, names: Iterable[str]) -> list[Any]:
    """Nodes that these tensors are computed of, in the graph's order."""
    makers = {name: node for node in graph.node for name in node.output if name}
    waiting, visited = list(names), set[int]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and id(node) not in visited:
            visited.add(id(node))
            waiting += read_by(node)
    return [node for node in graph.node if id(node) in visited]


def _inferred(model: Any, tensors: Mapping[str, Any]) -> Iterator[Any]:
    """Shapes and dtypes of tensors, as far as onnx finds them; a model that it refuses has none."""
    from onnx import shape_inference

    stated = type(model)()
    stated.CopyFrom(model)
    taken = {value.name for value in stated.graph.input}
    for name, tensor in tensors.items():
        if sum(1 for _ in tensor.dims) < 2 and _count(tensor) <= _SMALL:
            stated.graph.initializer.append(tensor)
        elif name not in taken:
            value = stated.graph.input.add(name=name)
            value.type.tensor_type.elem_type = tensor.data_type
            for size in tensor.dims:
                value.type.tensor_type.shape.dim.add(dim_value=size)
    try:
        # Its propagation of data counts out numbers one by one, however many a file asks for.
        inferred = shape_inference.infer_shapes(stated)
    except Exception:  # whatever the library says of a graph that TensorFlow may still take
        return
    yield from (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info)


def _count(tensor: Any) -> int:
    return int(tensor.dims[0]) if tensor.dims else 1


def _ranked(value: Any) -> bool:
    return bool(value.type.tensor_type.HasField("shape"))


def _sizes(value: Any) -> Sizes:
    return tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param or None
        for dim in value.type.tensor_type.shape.dim
    )
