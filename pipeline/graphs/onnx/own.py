"""An ONNX model as it came, made the graph that a release holds: the same numbers, bit for bit.

Nothing that computes is changed. What a release has no use for goes: defaults of inputs, functions,
sparse constants, names, texts, and nodes that only copy or transpose a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from pipeline.artifacts.large import LargeTensors, is_large
from pipeline.artifacts.large_onnx import array_of, is_external, large_tensor, point
from pipeline.base.errors import SourceError
from pipeline.graphs.onnx.canonical import all_nodes, canonicalize, constant_tensor, graphs
from pipeline.graphs.onnx.single import to_single
from pipeline.graphs.onnx.to_tensorflow import outline
from pipeline.graphs.onnx.to_tensorflow.weights import locate
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.signature import Signature

#: The oldest version of the format in which constants need not be inputs.
OLDEST_IR = 4

#: A constant of fewer bytes is no weight.
WEIGHT_BYTES = 256

#: Integers whose products with a scale are exact in every runtime.
_SCALED_BACK = ("int8", "uint8", "int16", "uint16", "int32")

#: ONNX's own operators, by the name that nobody writes.
_ALIAS = "ai.onnx"


@dataclass(frozen=True)
class Part:
    """What of a model is wanted, by the names of its users and its own."""

    inputs: Mapping[str, str]
    """Public name -> the model's input."""
    outputs: Mapping[str, str]
    """Public name -> the model's tensor."""
    fixed: Mapping[str, Array] = field(default_factory=dict)
    """The model's input -> the value that it always has."""


def cut(model: Any, part: Part) -> None:
    """Leave what the wanted outputs need, in place: inputs that are not fixed, and nodes."""
    from onnx import helper

    graph = model.graph
    nodes = outline.needed(graph, part.outputs.values())
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    held = {tensor.name for tensor in graph.initializer}
    wanted = {*part.inputs.values(), *part.fixed} | held
    taken = [value for value in graph.input if value.name in wanted]
    del graph.input[:]
    graph.input.extend(taken)
    del graph.output[:]
    names = dict.fromkeys(part.outputs.values())
    graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)


def own_graph(
    model: Any, folder: Path, part: Part, signature: Signature, large: LargeTensors
) -> tuple[Any, tuple[str, ...]]:
    """A new canonical model, and the float dtypes other than float32 that the old one had.

    Args:
        model: as read from its file, free sizes given; it is used up.
        folder: where its files of weights lie.
        large: where large weights go.

    Raises:
        SourceError: a function calls itself, or the bytes of a constant are not there.
    """
    from onnx import helper

    model = _without_functions(model)
    graph = model.graph
    _take_in(model, folder, large)
    _plain(model)
    _fix(graph, part.fixed)
    cut(model, part)
    names = _name_apart(graph, part, {spec.name for spec in signature.inputs})
    dtypes = to_single(model, large)
    _settle(graph, large)
    result = canonicalize(model, signature, own=names)
    oldest = helper.find_min_ir_version_for(result.opset_import, ignore_unknown=True)
    result.ir_version = max(OLDEST_IR, oldest)
    return result, dtypes


def _without_functions(model: Any) -> Any:
    """The library that writes functions out copies the model: here one without its weights."""
    if not model.functions:
        return model
    bare = type(model)()
    bare.CopyFrom(model)
    bare.graph.ClearField("initializer")
    bare = outline.inlined(bare)
    bare.graph.initializer.extend(model.graph.initializer)
    return bare


def check_weights(model: Any, folder: Path) -> None:
    """Refuse constants whose bytes are not in the file that a model names, or lie elsewhere.

    Raises:
        SourceError: there is one.
    """
    for tensor in _constants(model):
        if is_external(tensor):
            _content(tensor, folder)


def _constants(model: Any) -> list[Any]:
    """Of graphs and of nodes' attributes, those of the main graph first."""
    tensors = [tensor for graph in graphs(model.graph) for tensor in graph.initializer]
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    attributes = (item for node in outline.all_nodes(nodes) for item in node.attribute)
    return tensors + [item.t for item in attributes if item.HasField("t")]


def _take_in(model: Any, folder: Path, large: LargeTensors) -> None:
    """Let constants have their values in the graph or in ``large``, wherever they were."""
    main = len(model.graph.initializer)
    for index, tensor in enumerate(_constants(model)):
        if is_external(tensor):
            content = _content(tensor, folder)
            if index < main and is_large(content.nbytes):
                point(tensor, large.keep(content), content.nbytes)
            else:
                _fill(tensor, content)


def _content(tensor: Any, folder: Path) -> Array:
    """The bytes of a constant in a file, mapped to it where there are any."""
    from onnx import helper

    if min(tensor.dims, default=0) < 0:
        raise SourceError(f"the constant {tensor.name!r} has a negative size", where="onnx")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    path, offset, length = locate(tensor, folder, prod(tensor.dims), dtype)
    if not length:
        return np.zeros(0, np.uint8)
    return np.memmap(path, np.uint8, "r", offset, (length,))


def _fill(tensor: Any, content: Array) -> None:
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = content.tobytes()


def _plain(model: Any) -> None:
    """No defaults among the inputs, no sparse constants, one name for ONNX's own operators."""
    graph = model.graph
    for tensor in graph.sparse_initializer:
        graph.initializer.append(_dense(tensor))
    graph.ClearField("sparse_initializer")
    held = {tensor.name for tensor in graph.initializer}
    taken = [value for value in graph.input if value.name not in held]
    del graph.input[:]
    graph.input.extend(taken)
    for item in (*model.opset_import, *all_nodes(graph)):
        if item.domain == _ALIAS:
            item.domain = ""


def _dense(sparse: Any) -> Any:
    """A sparse constant with its zeros written out.

    Raises:
        SourceError: it would have 2 GiB or more, or its indices are not of its shape.
    """
    from onnx import numpy_helper

    values, dims = numpy_helper.to_array(sparse.values), tuple(sparse.dims)
    indices = numpy_helper.to_array(sparse.indices)
    if min(dims, default=0) < 0 or prod(dims) * values.itemsize >= 2**31:
        raise SourceError(
            f"the sparse constant {sparse.values.name!r} is of shape {list(dims)}, too large",
            where="onnx",
        )
    dense = np.zeros(dims, values.dtype)
    try:
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
    except (IndexError, ValueError) as error:
        raise SourceError(
            f"the sparse constant {sparse.values.name!r} is damaged: its indices leave its shape",
            where="onnx",
            todo="get the file again",
        ) from error
    return numpy_helper.from_array(dense, sparse.values.name)


def _fix(graph: Any, fixed: Mapping[str, Array]) -> None:
    """Inputs that always have one value become constants."""
    from onnx import numpy_helper

    for name, value in fixed.items():
        graph.initializer.append(numpy_helper.from_array(value, name))
    free = [value for value in graph.input if value.name not in fixed]
    del graph.input[:]
    graph.input.extend(free)


def _name_apart(graph: Any, part: Part, inputs: set[str]) -> dict[str, str]:
    """Public name -> tensor, each of which has one public name: copies where it had two."""
    from onnx import helper

    names = {public: own for public, own in part.inputs.items() if public in inputs}
    for public, own in part.outputs.items():
        if own in names.values():
            # A space keeps it apart from what exporters write.
            names[public] = f"{own} as {public}"
            graph.node.append(helper.make_node("Identity", [own], [names[public]]))
        else:
            names[public] = own
    return names


def _settle(graph: Any, large: LargeTensors) -> None:
    """What copies, transposes or scales back a weight becomes a weight, which can be encoded.

    Weights of integers that are scaled back would be multiplied as integers by a runtime that fuses
    them, which some processors do wrongly; and they are scaled back anew for each sample.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    left = []
    for node in graph.node:
        constant = constant_tensor(node) if node.op_type == "Constant" else None
        if constant is not None:
            tensors[node.output[0]] = constant
        settled = None if outputs & {*node.output} else _settled(node, tensors, large)
        if settled is None:
            left.append(type(node).FromString(node.SerializeToString()))
        else:
            tensors[node.output[0]] = settled
            graph.initializer.append(settled)
    del graph.node[:]
    graph.node.extend(left)


def _settled(node: Any, tensors: Mapping[str, Any], large: LargeTensors) -> Any | None:
    from onnx import TensorProto

    if node.op_type == "DequantizeLinear" and not node.domain:
        return _scaled_back(node, tensors, large)
    tensor = tensors.get(node.input[0]) if len(node.input) == 1 else None
    moves = node.op_type in ("Identity", "Transpose") and not node.domain
    if tensor is None or not moves or tensor.data_type != TensorProto.FLOAT:
        return None
    if 4 * prod(tensor.dims) < WEIGHT_BYTES:
        return None
    values = array_of(tensor, large)
    if node.op_type == "Transpose":
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        values = np.transpose(values, order)
    return large_tensor(node.output[0], values, large)


def _scaled_back(node: Any, tensors: Mapping[str, Any], large: LargeTensors) -> Any | None:
    """Constant integers times their scale, as DequantizeLinear computes it; none of blocks."""
    from onnx import TensorProto

    parts: list[Any] = [tensors[name] for name in node.input if name in tensors]
    attributes = {item.name: int(item.i) for item in node.attribute}
    constant = len(parts) == sum(map(bool, node.input)) and len(parts) > 1
    if not constant or attributes.get("block_size") or parts[1].data_type != TensorProto.FLOAT:
        return None
    integers, scale, *zero = (array_of(part, large) for part in parts)
    if integers.dtype.name not in _SCALED_BACK:
        return None
    shape = [1] * integers.ndim
    if scale.ndim:
        shape[attributes.get("axis", 1)] = -1
    centred = integers.astype(np.int32)
    if zero:
        centred = centred - zero[0].astype(np.int32).reshape(shape if zero[0].ndim else [])
    values = centred.astype(np.float32) * scale.reshape(shape if scale.ndim else [])
    return large_tensor(node.output[0], values, large)
