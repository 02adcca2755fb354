"""Keeps a padding with zeros apart from the MaxPool behind it, in ONNX Runtime too.

As it loads a model, ONNX Runtime lets the pooling do the padding (1.17 to 1.31;
onnxruntime/core/optimizer/pad_fusion.cc). A MaxPool pads with what is less than every number, so
that where a window holds negative numbers alone a zero at the edge is lost: a ResNet50V2 is off by
15 %. It compares the bytes of what is padded with those of zero, and -0.0 has others.
"""

from __future__ import annotations

from typing import Any

from pipeline.tensors.arrays import np

MINUS_ZERO = "padding with -0.0"


def pads_by_attribute(model: Any) -> bool:
    """Whether there is such a padding as before opset 11, whose -0.0 ONNX Runtime takes for 0."""
    return any(len(node.input) < 2 for node in _pads(model))


def _pads(model: Any) -> list[Any]:
    from pipeline.graphs.onnx.canonical import all_nodes

    pooled = {node.input[0] for node in all_nodes(model.graph) if node.op_type == "MaxPool"}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    return [
        node
        for node in all_nodes(model.graph)
        if node.op_type == "Pad" and node.output[0] in pooled and _pads_zeros(node, constants)
    ]


def keep_zeros(model: Any) -> None:
    """Let what MaxPool reads be padded with -0.0 instead of zero; ``model`` is changed."""
    from onnx import numpy_helper

    pads = _pads(model)
    for node in pads:
        node.input[:] = [*node.input[:2], MINUS_ZERO, *node.input[3:]]
    if pads:
        zero = np.array(-0.0, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(zero, MINUS_ZERO))


def _pads_zeros(node: Any, constants: dict[str, Any]) -> bool:
    from onnx import TensorProto, numpy_helper

    if any(item.name == "mode" and item.s != b"constant" for item in node.attribute):
        return False
    if not "".join(node.input[2:3]):
        return True
    constant = constants.get(node.input[2])
    floats = constant is not None and constant.data_type == TensorProto.FLOAT
    return floats and not numpy_helper.to_array(constant).any()
