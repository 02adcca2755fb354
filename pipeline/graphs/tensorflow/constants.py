"""Computes what a graph computes from constants alone, as a batch norm's factors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.graphs.tensorflow.canonical_graph import LOWERED
from pipeline.tensors.arrays import Array

#: Operators that are no constants, whatever they read.
VARYING = frozenset({"Placeholder", "PlaceholderWithDefault", "NoOp", *LOWERED})


def fold_constants(graph_def: Any) -> None:
    """Put constants in the place of float32 nodes that are computed from constants, in place.

    Only where that makes them no larger than what they are computed from: a mask that a few
    numbers make stays those few numbers.
    """
    nodes = {node.name: node for node in graph_def.node}
    sizes = _sizes(graph_def.node)
    read = [_base(s) for n in graph_def.node if n.name not in sizes for s in n.input]
    computed = [name for name in dict.fromkeys(read) if name in sizes and nodes[name].op != "Const"]
    for name, value in zip(computed, _values(graph_def, computed), strict=True):
        if value.dtype == "float32" and value.size <= sizes[name]:
            make_constant(nodes[name], value)


def make_constant(node: Any, value: Array) -> None:
    """Let a node be a constant of the same name, in place."""
    from tensorflow import make_tensor_proto

    name = node.name
    node.Clear()
    node.name, node.op = name, "Const"
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype


def _sizes(nodes: Iterable[Any]) -> dict[str, int]:
    """Constant nodes, and those computed from such: how many values they come from."""
    from math import prod

    from tensorflow.python.framework import op_def_registry

    sizes: dict[str, int] = {}
    for node in nodes:
        definition = op_def_registry.get(node.op)
        if node.op == "Const":
            sizes[node.name] = prod(d.size for d in node.attr["value"].tensor.tensor_shape.dim)
        elif node.op in VARYING or definition is None or definition.is_stateful:
            continue
        elif len(definition.output_arg) == 1 and not any(
            a.HasField("func") for a in node.attr.values()
        ):
            source_sizes = [sizes.get(_base(source)) for source in node.input]
            if source_sizes and None not in source_sizes:
                sizes[node.name] = sum(size for size in source_sizes if size is not None)
    return sizes


def _values(graph_def: Any, names: list[str]) -> list[Array]:
    import tensorflow as tf

    if not names:
        return []
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            values: list[Array] = session.run([f"{name}:0" for name in names])
    return values


def _base(name: str) -> str:
    return name.lstrip("^").split(":")[0]
