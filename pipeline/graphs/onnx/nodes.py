"""Which nodes of an ONNX graph a technique is to work on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pipeline.base.errors import ConfigError


def chosen_nodes(
    model: Any, operators: Collection[str], only: Sequence[str] = (), skip: Sequence[str] = ()
) -> list[str]:
    """Names of the main graph's nodes of some operators, in its order.

    Args:
        model: ``onnx.ModelProto`` whose nodes have names.
        only: names of nodes or operators; all, if it is empty.
        skip: names of nodes or operators that are left out all the same.

    Raises:
        ConfigError: the graph has no such node or operator.
    """
    known = {name for node in model.graph.node for name in (node.name, node.op_type)}
    unknown = [name for name in (*only, *skip) if name not in known]
    if unknown:
        raise ConfigError(
            f"the ONNX graph has no node or operator {', '.join(unknown)}",
            todo=f"name operators ({', '.join(sorted({n.op_type for n in model.graph.node}))}) "
            "or nodes, as pipeline bisect shows them",
        )
    return [
        node.name
        for node in model.graph.node
        if node.op_type in operators
        and (not only or node.name in only or node.op_type in only)
        and not (node.name in skip or node.op_type in skip)
    ]
