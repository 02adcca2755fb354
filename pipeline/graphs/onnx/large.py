"""Large constants that TensorFlow's graph kept outside, as tensors in files of an ONNX graph."""

from __future__ import annotations

from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, is_external, large_tensor, point
from pipeline.graphs.tensorflow.large import Outside
from pipeline.tensors.arrays import Array

#: What may be computed from constants alone, and takes no more bytes than they do.
MOVING = frozenset(
    {
        *("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Identity", "Slice", "Split"),
        *("Concat", "Flatten"),
    }
)


def adopt(model: Any, constants: Outside) -> None:
    """Put tensors in files in the place of inputs that stand for large constants, in place.

    What the graph computes from them alone, as a transposed kernel, is computed.
    """
    from onnx import TensorProto

    graph = model.graph
    held = [value for value in graph.input if value.name in constants.values]
    for value in held:
        array = constants.values[value.name]
        tensor = TensorProto(
            name=value.name, data_type=value.type.tensor_type.elem_type, dims=array.shape
        )
        point(tensor, constants.keys[value.name], array.nbytes)
        graph.initializer.append(tensor)
        graph.input.remove(value)
    if held:
        _settle(model, constants.large)


def _settle(model: Any, large: LargeTensors) -> None:
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    # In topological order, so that chains are settled in one pass.
    for node in list(graph.node):
        sources = [name for name in node.input if name]
        if node.op_type not in MOVING or outputs & {*node.output} or not {*sources} <= {*tensors}:
            continue
        if not any(is_external(tensors[name]) for name in sources):
            continue
        arrays = {name: array_of(tensors[name], large) for name in sources}
        for name, value in zip(node.output, _computed(model, node, arrays), strict=True):
            tensors[name] = large_tensor(name, value, large)
            graph.initializer.append(tensors[name])
        graph.node.remove(node)


def _computed(model: Any, node: Any, arrays: dict[str, Array]) -> list[Array]:
    """The outputs of a node, by ONNX's own reference."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs = [helper.make_empty_tensor_value_info(name) for name in arrays]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "node", inputs, outputs)
    alone = helper.make_model(graph, opset_imports=list(model.opset_import))
    values: list[Array] = ReferenceEvaluator(alone).run(None, arrays)
    return values
