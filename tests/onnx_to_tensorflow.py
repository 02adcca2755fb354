"""ONNX models through the importer, beside what onnxruntime computes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, helper, numpy_helper

from pipeline.graphs.onnx.to_tensorflow.convert import Imported, convert, operators
from pipeline.graphs.onnx.to_tensorflow.outline import outline

Array = np.ndarray[Any, Any]


def model_of(
    lines: Sequence[str],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array],
    *,
    opset: int = 17,
    free: bool = False,
    outputs: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
) -> ModelProto:
    """A model from lines such as ``y = Conv[pads=[1, 1]](x, w)``; the last line gives the outputs.

    Args:
        free: whether the first axis of each input is called ``n``.
        attributes: what a line's brackets may name.
    """
    nodes = []
    for line in lines:
        result, call = line.split(" = ")
        head, arguments = call.rstrip(")").split("(")
        operator, _, settings = head.removesuffix("]").partition("[")
        chosen = eval(f"dict({settings})", {}, dict(attributes or {}))
        taken = [name.strip() for name in arguments.split(",")]
        nodes.append(helper.make_node(operator, taken, result.split(", "), **chosen))
    values = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            [("n" if free and i == 0 else size) for i, size in enumerate(array.shape)],
        )
        for name, array in inputs.items()
    ]
    wanted = outputs or [name for name in nodes[-1].output if name]
    ends = [helper.make_empty_tensor_value_info(name) for name in wanted]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", values, ends, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def imported(
    model: ModelProto,
    outputs: Sequence[str] = (),
    folder: Path | None = None,
    **dimensions: int | None,
) -> Imported:
    """The model in TensorFlow; it is left as it is."""
    copy = ModelProto.FromString(model.SerializeToString())
    taken = outline(copy, dimensions, operators())
    return convert(taken, folder, outputs or [value.name for value in model.graph.output])


def run(graph: Imported, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """What TensorFlow computes."""
    import tensorflow as tf

    with tf.Graph().as_default() as built:
        tf.import_graph_def(graph.graph_def, name="")
        with tf.compat.v1.Session(graph=built) as session:
            return session.run(
                dict(graph.outputs),
                {f"{graph.inputs[name]}:0": array for name, array in feeds.items()},
            )


def reference(model: ModelProto, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """What onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Optimized, weights that are scaled back are multiplied as integers.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def transposes(graph: Imported) -> int:
    """How many move numbers."""
    return sum(node.op == "Transpose" for node in graph.graph_def.node)
