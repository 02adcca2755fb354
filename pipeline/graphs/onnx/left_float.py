"""Keeps in float32 what a model with integers in it is to compute in float32.

As ONNX Runtime loads a model it makes 8-bit weights of float32 ones, wherever a convolution or
Gemm stands between DequantizeLinear and QuantizeLinear: one scale for all of a weight, and products
that some processors cut off (since 1.21; onnxruntime/core/optimizer/qdq_transformer/
weight_bias_quantization.cc). It does so only where the input has one scale. Here it gets as many as
channels, all alike. A matrix product with an Add behind it becomes a Gemm first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

#: Operators that ONNX Runtime makes 8-bit weights for; MatMul only in front of an Add.
REWRITTEN = ("Conv", "ConvTranspose", "Gemm", "MatMul")

#: Operators that only move values: a runtime may move the decoding behind them.
MOVING = ("Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten")


def leaves(model: Any, nodes: Collection[str]) -> bool:
    """Whether something of ``model`` that could be rewritten is not among the named nodes."""
    return any(n.op_type in REWRITTEN and n.name not in nodes for n in model.graph.node)


def rewritten(graph: Any) -> Iterator[tuple[Any, list[Any]]]:
    """The nodes of a graph that ONNX Runtime would make 8-bit weights for; and what makes the input
    of each: a DequantizeLinear, and what moves its values, which is in its way no more."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    added = {name for node in graph.node if node.op_type == "Add" for name in node.input}
    for node in graph.node:
        if node.op_type not in REWRITTEN:
            continue
        if node.op_type == "MatMul" and node.output[0] not in added:
            continue
        path = _path(makers, node.input[0])
        weight = constants.get(node.input[1])
        if path and weight is not None and weight.data_type == 1:
            scale = constants.get(path[0].input[1])
            if scale is not None and list(scale.dims) in ([], [1]):
                yield node, path


def _path(makers: Mapping[str, Any], name: str) -> list[Any]:
    """From the DequantizeLinear that a value comes from to what makes it; empty without one."""
    path: list[Any] = []
    node = makers.get(name)
    while node is not None and node.op_type in MOVING:
        path.insert(0, node)
        node = makers.get(node.input[0])
    return [node, *path] if node is not None and node.op_type == "DequantizeLinear" else []


def keep(model: Any) -> None:
    """Give the inputs of ``rewritten`` nodes a scale for each channel; ``model`` is changed.

    Of what moves values only transpositions are followed; others stay as they are.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for index, (node, (decoder, *moves)) in enumerate(list(rewritten(graph))):
        orders = [helper.get_node_attr_value(move, "perm") for move in moves if move.attribute]
        if len(orders) < len(moves) or any(move.op_type != "Transpose" for move in moves):
            continue
        channels = _channels(node, constants[node.input[1]].dims)
        names = [f"float_input_{index}/{part}" for part in ("scale", "zero")]
        for name, old in zip(names, decoder.input[1:], strict=False):
            scalar = numpy_helper.to_array(constants[old]).reshape(())
            graph.initializer.append(numpy_helper.from_array(scalar.repeat(channels), name))
        value = f"float_input_{index}"
        inputs = [decoder.input[0], *names[: len(decoder.input) - 1]]
        axis = _axis(node, orders)
        graph.node.append(helper.make_node("DequantizeLinear", inputs, [value], axis=axis))
        for step, order in enumerate(orders):
            moved = f"float_input_{index}/{step}"
            graph.node.append(helper.make_node("Transpose", [value], [moved], perm=order))
            value = moved
        node.input[0] = value


def _axis(node: Any, orders: Sequence[Sequence[int]]) -> int:
    """Where the channels of a node's input lie before they are transposed in these orders."""
    axis = -1 if node.op_type == "MatMul" else 1
    for order in reversed(orders):
        axis = order[axis]
    return axis


def _channels(node: Any, shape: Any) -> int:
    """How many channels the input of a node has, by the shape of its weight."""
    settings = {item.name: int(item.i) for item in node.attribute}
    if node.op_type == "Conv":
        return int(shape[1]) * settings.get("group", 1)
    if node.op_type == "MatMul":
        return int(shape[-2])
    return int(shape[1 if settings.get("transB") else 0])
