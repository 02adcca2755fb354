"""Keeps in float32 what an int8 model is to compute in float32.

As ONNX Runtime loads a model it makes 8-bit weights of float32 ones, wherever a convolution or
Gemm stands between DequantizeLinear and QuantizeLinear: one scale for all of a weight, and products
that some processors cut off (since 1.21; onnxruntime/core/optimizer/qdq_transformer/
weight_bias_quantization.cc). It does so only where the input has one scale. Here it gets as many as
channels, all alike. A matrix product with an Add behind it becomes a Gemm first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

#: Operators that ONNX Runtime makes 8-bit weights for; MatMul only in front of an Add.
REWRITTEN = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def leaves(model: Any, nodes: Collection[str]) -> bool:
    """Whether something of ``model`` that could be rewritten is not among the named nodes."""
    return any(n.op_type in REWRITTEN and n.name not in nodes for n in model.graph.node)


def rewritten(graph: Any) -> Iterator[tuple[Any, Any]]:
    """The nodes of a graph that ONNX Runtime would make 8-bit weights for, and what dequantizes
    the input of each."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    added = {name for node in graph.node if node.op_type == "Add" for name in node.input}
    for node in graph.node:
        decoder = makers.get(node.input[0]) if node.op_type in REWRITTEN else None
        if decoder is None or decoder.op_type != "DequantizeLinear":
            continue
        if node.op_type == "MatMul" and node.output[0] not in added:
            continue
        weight, scale = (constants.get(name) for name in (node.input[1], decoder.input[1]))
        if weight is not None and weight.data_type == 1 and scale is not None and not scale.dims:
            yield node, decoder


def keep(model: Any) -> None:
    """Give the inputs of ``rewritten`` nodes a scale for each channel; ``model`` is changed."""
    from onnx import helper, numpy_helper

    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node, decoder in list(rewritten(graph)):
        channels = _channels(node, constants[node.input[1]].dims)
        names = [f"{node.name}/input/{part}" for part in ("scale", "zero")]
        for name, old in zip(names, decoder.input[1:], strict=True):
            one = numpy_helper.to_array(constants[old])
            graph.initializer.append(numpy_helper.from_array(one.repeat(channels), name))
        output = f"{node.name}/input"
        inputs = [decoder.input[0], *names]
        axis = -1 if node.op_type == "MatMul" else 1
        graph.node.append(helper.make_node("DequantizeLinear", inputs, [output], axis=axis))
        node.input[0] = output


def _channels(node: Any, shape: Any) -> int:
    """How many channels the input of a node has, by the shape of its weight."""
    settings = {item.name: int(item.i) for item in node.attribute}
    if node.op_type == "Conv":
        return int(shape[1]) * settings.get("group", 1)
    if node.op_type == "MatMul":
        return int(shape[-2])
    return int(shape[1 if settings.get("transB") else 0])
