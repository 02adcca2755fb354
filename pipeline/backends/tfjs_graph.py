"""TF.js graph models as GraphDefs: weights decoded, TF.js' own operators written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.tensors.arrays import Array, np


def graph_def_of(
    model: Mapping[str, Any],
    weights: Iterable[tuple[str, Array]],
    fed: Mapping[str, Array] | None = None,
    *,
    whole: bool = False,
) -> Any:
    """The GraphDef of a ``model.json``, its weights put back into its constants.

    Args:
        fed: weights that become inputs.
        whole: write out what TensorFlow fuses too, so that each node is one operator.

    Raises:
        ValueError: a weight belongs to no constant, or a fusion is not known.
    """
    import tensorflow as tf
    from google.protobuf.json_format import ParseDict

    fed = fed or {}
    topology = model["modelTopology"]
    graph = ParseDict(topology, tf.compat.v1.GraphDef(), ignore_unknown_fields=True)
    # Loops and branches have their bodies' constants among the weights too.
    bodies = [function.node_def for function in graph.library.function]
    nodes = [node for nodes in (graph.node, *bodies) for node in nodes]
    constants = {node.name: node for node in nodes if node.op == "Const"}
    for name, values in weights:
        if name not in constants:
            raise ValueError(f"the weight {name!r} belongs to no node")
        if name in fed:
            _feed(constants[name], values)
        else:
            _fill(constants[name], values)
    for function in graph.library.function:
        _name_outputs(function)
    for node in [node for node in graph.node if _is_own(node) or (whole and node.op in _FUSED)]:
        _split(graph, node)
    for node in [node for node in graph.node if node.op == "Prelu"]:
        _write_prelu(graph, node)
    return graph


def _fill(node: Any, values: Array) -> None:
    """Give a constant its value, which TF.js keeps in 32 bits where the graph says 64."""
    import tensorflow as tf

    wide = {tf.int64.as_datatype_enum: np.int64, tf.float64.as_datatype_enum: np.float64}
    values = values.astype(wide.get(node.attr["dtype"].type, values.dtype))
    tensor = tf.make_tensor_proto(values)
    node.attr["value"].tensor.CopyFrom(tensor)
    node.attr["dtype"].type = tensor.dtype


def _feed(node: Any, values: Array) -> None:
    """Make an input of a constant."""
    import tensorflow as tf

    node.op = "Placeholder"
    node.attr.clear()
    node.attr["dtype"].type = tf.as_dtype(values.dtype).as_datatype_enum
    node.attr["shape"].shape.CopyFrom(tf.TensorShape(values.shape).as_proto())


def _name_outputs(function: Any) -> None:
    """What functions read by number for TF.js, TensorFlow reads by name."""
    outputs_of = {node.name: output_names(node.op) for node in function.node_def}
    for node in function.node_def:
        for index, source in enumerate(node.input):
            name, _, port = source.partition(":")
            if port.isdigit():
                node.input[index] = f"{name}:{outputs_of[name][int(port)]}:0"


@cache
def output_names(operator: str) -> list[str]:
    """Of an operator that has several, each of one tensor; none of another."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operator)
    outputs = definition.output_arg if definition else ()
    lists = any(output.number_attr or output.type_list_attr for output in outputs)
    return [] if lists or len(outputs) < 2 else [output.name for output in outputs]


#: Fused operators of converted graphs, and what they fuse activations with.
_FUSED = {
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedConv2D": "Conv2D",
    "_FusedMatMul": "MatMul",
}


#: What TF.js' kernels have behind a layer.
_FUSABLE = frozenset(
    ("NoOp", "BiasAdd", "Elu", "LeakyRelu", "Prelu", "Relu", "Relu6", "Sigmoid", "Tanh")
)


def _is_own(node: Any) -> bool:
    """Whether TF.js has the fused operator and TensorFlow has not."""
    prelu = b"Prelu" in node.attr["fused_ops"].list.s if node.op in _FUSED else False
    return prelu or node.op == "FusedDepthwiseConv2dNative"


def _split(graph: Any, node: Any) -> None:
    """``fused(x, w, bias)`` -> ``activation(layer(x, w) + bias)``; the last keeps the name."""
    operators = [operator.decode() for operator in node.attr["fused_ops"].list.s]
    steps: list[tuple[str, list[str], tuple[str, ...]]] = [
        (_FUSED[node.op], list(node.input[:2]), _ATTRIBUTES)
    ]
    more = iter(node.input[2:])
    for operator in operators:
        if operator not in _FUSABLE:
            raise ValueError(f"{node.name!r} fuses {operator!r}, which is not known")
        if operator != "NoOp":
            inputs = [next(more)] if operator in ("BiasAdd", "Prelu") else []
            steps.append((operator, inputs, ("T",)))
    before: list[str] = []
    for operator, inputs, attributes in steps:
        name = f"{node.name}/{operator}" if operator != steps[-1][0] else node.name
        half = graph.node.add(op=operator, name=name, input=[*before, *inputs])
        for attribute in attributes:
            if attribute in node.attr:
                half.attr[attribute].CopyFrom(node.attr[attribute])
        if operator == "LeakyRelu":
            half.attr["alpha"].CopyFrom(node.attr["leakyrelu_alpha"])
        before = [name]
    graph.node.remove(node)


def _write_prelu(graph: Any, node: Any) -> None:
    """``prelu(x, alpha)`` -> ``relu(x) - alpha * relu(-x)``."""
    import tensorflow as tf

    def add(operator: str, *inputs: str, name: str) -> str:
        added = graph.node.add(op=operator, name=name, input=inputs)
        added.attr["T"].type = tf.float32.as_datatype_enum
        return name

    x, alpha = node.input
    below = add("Relu", add("Neg", x, name=f"{node.name}/neg"), name=f"{node.name}/below")
    lost = add("Mul", alpha, below, name=f"{node.name}/lost")
    above = add("Relu", x, name=f"{node.name}/above")
    name = str(node.name)
    graph.node.remove(node)
    add("Sub", above, lost, name=name)


_ATTRIBUTES: tuple[str, ...] = (
    *("T", "data_format", "dilations", "explicit_paddings", "padding", "strides"),
    *("transpose_a", "transpose_b"),
)


def read_weights(manifest: list[dict[str, Any]], folder: Path) -> Any:
    """Name and values of each weight, decoded as TF.js does."""
    for group in manifest:
        raw = b"".join((folder / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            coding = weight.get("quantization", {})
            if weight["dtype"] == "string":
                raise PipelineError(f"{weight['name']} holds strings", where=str(folder))
            dtype = np.dtype(coding.get("dtype", weight["dtype"])).newbyteorder("<")
            count = int(np.prod(weight["shape"], dtype=int))
            stored = np.frombuffer(raw, dtype, count, start)
            start += stored.nbytes
            yield weight["name"], _decoded(stored, weight, coding).reshape(weight["shape"])


def _decoded(stored: Array, weight: dict[str, Any], coding: dict[str, Any]) -> Array:
    if "scale" not in coding:
        return stored.astype(weight["dtype"])
    # JavaScript computes in float64, and rounds as it stores into a Float32Array.
    values = stored.astype("float64") * coding["scale"] + coding["min"]
    decoded: Array = values.round() if weight["dtype"] == "int32" else values
    return decoded.astype(weight["dtype"])
