"""Puts nodes that TensorFlow builds in the place of nodes of a GraphDef."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

Build = Callable[..., Any]
#: A node and the tensors of its graph by name -> what builds it anew of its first inputs.
Rewrite = Callable[[Any, Mapping[str, Any]], Build | None]


def imported(graph_def: Any) -> Any:
    """A ``tf.Graph``, in which types and static shapes are known."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    return graph


def tensors_of(graph: Any) -> dict[str, Any]:
    """All tensors of a ``tf.Graph`` by the names by which nodes read them."""
    tensors = {}
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            tensors[tensor.name] = tensors[tensor.name.removesuffix(":0")] = tensor
    return tensors


def rewrite(graph_def: Any, graph: Any, rewrites: Mapping[str, Rewrite]) -> bool:
    """Put what rewrites make in the place of their operators.

    Args:
        graph_def: is changed.
        graph: the same as a ``tf.Graph``, which knows types and shapes.
        rewrites: operator -> what gives the function that makes it of its inputs.

    Returns:
        Whether there was any.
    """
    tensors, changed = tensors_of(graph), False
    for node in list(graph_def.node):
        rewrite = rewrites.get(node.op)
        if rewrite and (build := rewrite(node, tensors)):
            splice(graph_def, node, build, [tensors[name] for name in node.input[: _reads(build)]])
            changed = True
    return changed


def _reads(build: Build) -> int:
    """How many of a node's inputs a function takes."""
    return len(signature(build).parameters)


def splice(graph_def: Any, node: Any, build: Build, like: Sequence[Any]) -> None:
    """Put the nodes of a function in the place of a node, which becomes their last one.

    Args:
        build: of tensors, as many as ``like``, the node's output.
        like: tensors of the types and shapes of what the node reads.
    """
    ((name, dtype),) = insert(graph_def, node.name, build, like, node.input)
    replace(node, name, dtype)


def insert(
    graph_def: Any, prefix: str, build: Build, like: Sequence[Any], sources: Sequence[str]
) -> list[tuple[str, Any]]:
    """Add the nodes of a function.

    Args:
        prefix: of their names.
        build: of tensors, as many as ``like``, a tensor or a tuple of some.
        like: tensors or ``tf.TensorSpec`` of the types and shapes of what it gets.
        sources: the names of these; there may be more.

    Returns:
        The name and the dtype of each tensor that it makes.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        inputs = [tf.compat.v1.placeholder(tensor.dtype, tensor.shape) for tensor in like]
        built = build(*inputs)
    outputs = built if isinstance(built, tuple) else (built,)
    names = {tensor.op.name: source for tensor, source in zip(inputs, sources, strict=False)}
    for part in graph.as_graph_def().node:
        if part.name in names:
            continue
        copy = graph_def.node.add()
        copy.CopyFrom(part)
        copy.name = f"{prefix}/{part.name}"
        del copy.input[:]
        copy.input.extend(_renamed(source, names, prefix) for source in part.input)
    return [(_renamed(output.name, names, prefix), output.dtype) for output in outputs]


def replace(node: Any, source: str, dtype: Any) -> None:
    """Let a node be no more than a tensor under its name."""
    node.op = "Identity"
    node.attr.clear()
    node.attr["T"].type = dtype.as_datatype_enum
    node.input[:] = [source]


def _renamed(source: str, names: Mapping[str, str], prefix: str) -> str:
    name, colon, port = source.partition(":")
    return names.get(name) or f"{prefix}/{name}{colon}{port}".removesuffix(":0")
