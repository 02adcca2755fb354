"""Small ONNX models, written as lines."""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from pipeline.export import onnx as fmt
from pipeline.graphs.onnx.canonical import canonicalize
from pipeline.tensors.signature import Signature, TensorSpec


def run(model, feeds):
    """What onnxruntime computes: output name -> array."""
    session = onnxruntime.InferenceSession(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def sizes(value):
    """A declared shape: a number for each fixed size, a name for each free one."""
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def graph_model(inputs, outputs, lines, opset=17, **constants):
    """A model from lines such as ``y = Relu(x)``; attributes as ``Conv[pads=[1, 1]](x, w)``."""
    kinds = {"x": TensorProto.FLOAT if "Gather" not in " ".join(lines) else TensorProto.INT64}
    tensors = [
        numpy_helper.from_array(v.astype(np.float32) if v.dtype.kind == "f" else v, name)
        for name, v in constants.items()
    ]
    nodes = []
    for line in lines:
        result, call = line.split(" = ")
        head, arguments = call.rstrip(")").split("(")
        operator, _, attributes = head.removesuffix("]").partition("[")
        settings = eval(f"dict({attributes})")
        nodes.append(
            helper.make_node(operator, arguments.split(", "), result.split(", "), **settings)
        )
    values = [
        [
            helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), None)
            for n in names.split()
        ]
        for names in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "g", *values, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def signature(inputs, outputs):
    return Signature(
        tuple(TensorSpec(*spec) for spec in inputs), tuple(TensorSpec(*spec) for spec in outputs)
    )


def converted(model, inputs, outputs, folder):
    spelled = canonicalize(model, signature(inputs, outputs))
    target = folder / "converted"
    target.mkdir()
    fmt.write(spelled, signature(inputs, outputs), target)
    return target
