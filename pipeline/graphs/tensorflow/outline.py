"""What a graph is from outside: which outputs are a softmax, and how many weights it has."""

from __future__ import annotations

from typing import Any


def is_softmax(output: str, graph: Any) -> bool:
    """Whether a node gives a softmax over its last axis, at most reshaped."""
    nodes = {node.name: node for node in graph.node}
    node, reshaped = nodes[output], False
    while node.op in ("Identity", "Reshape", "Squeeze", "StopGradient"):
        reshaped |= node.op in ("Reshape", "Squeeze")
        node = nodes[node.input[0].split(":")[0]]
    return node.op == "Softmax" and (not reshaped or _same_axis(output, node.name, graph))


def _same_axis(output: str, softmax: str, graph: Any) -> bool:
    """Whether the last axis has one size at both nodes; a reshape may have moved it."""
    import tensorflow as tf

    with tf.Graph().as_default() as built:
        tf.graph_util.import_graph_def(graph, name="")
    sizes = [built.get_tensor_by_name(f"{name}:0").shape[-1:] for name in (output, softmax)]
    return bool(sizes[0].is_fully_defined() and sizes[0] == sizes[1])


def count_parameters(function: Any, graph: Any) -> int:
    """How many float weights: of the variables, or of the constants where there are none."""
    import tensorflow as tf

    floats = [variable for variable in function.variables if variable.dtype.is_floating]
    if floats:
        return sum(variable.shape.num_elements() for variable in floats)
    constants = (node.attr["value"].tensor for node in graph.node if node.op == "Const")
    shaped = (tensor for tensor in constants if tensor.tensor_shape.dim)
    return sum(
        tf.TensorShape(tensor.tensor_shape).num_elements()
        for tensor in shaped
        if tf.as_dtype(tensor.dtype).is_floating
    )
