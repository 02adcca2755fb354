"""Changes the bodies of loops, branches and calls as if each were a graph.

A function of a GraphDef names its tensors otherwise than a graph does, ``node:output:0`` for
``node:0``, and says little of its arguments' shapes. These are what its one caller gives it; of a
loop, what holds in every round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.graphs.tensorflow.canonical_graph import called_by, references
from pipeline.graphs.tensorflow.splicing import imported

#: Changes a GraphDef in place, and says whether it did; its ``tf.Graph`` knows types and shapes.
Change = Callable[[Any, Any], bool]

#: Operator -> how many inputs it has before its functions' arguments.
CHOOSING = {"If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1}
LOOPS = frozenset(("While", "StatelessWhile"))


def change_bodies(graph_def: Any, graph: Any, operators: Collection[str], change: Change) -> bool:
    """Let ``change`` change the functions that the graph calls, in place.

    Args:
        graph: the same as a ``tf.Graph``.
        operators: functions with none of these stay.

    Returns:
        Whether there was anything to change.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    concerned = {
        name
        for name, function in functions.items()
        if any(node.op in operators for node in function.node_def)
    }
    shapes = _arguments(graph_def, graph, functions) if concerned else {}
    changed = False
    for name in (name for name in shapes if name in concerned):
        body, flat = _as_graph(functions[name], shapes[name], graph_def)
        if change(body, imported(body)):
            _put_back(functions[name], body, flat)
            changed = True
    return changed


def _arguments(
    graph_def: Any, graph: Any, functions: Mapping[str, Any]
) -> dict[str, list[Any] | None]:
    """Function -> the shapes of its arguments; ``None`` where several nodes call it."""
    calls = Counter(function.name for function in references(graph_def))
    shapes: dict[str, list[Any] | None] = {}
    waiting = [graph]
    while waiting:
        for operation in waiting.pop().get_operations():
            for name in (function.name for function in called_by(operation.node_def)):
                if name in functions and name not in shapes:
                    shapes[name] = _input_shapes(operation) if calls[name] == 1 else None
                    waiting.append(imported(_as_graph(functions[name], shapes[name], graph_def)[0]))
    return shapes


def _input_shapes(operation: Any) -> list[Any] | None:
    """The shapes of what a node gives its functions."""
    if operation.type in LOOPS:
        return [tensor.shape for tensor in operation.outputs]
    if operation.type in CHOOSING or operation.type.endswith("PartitionedCall"):
        return [tensor.shape for tensor in operation.inputs[CHOOSING.get(operation.type, 0) :]]
    return None


def _as_graph(
    function: Any, shapes: list[Any] | None, graph_def: Any
) -> tuple[Any, dict[str, str]]:
    """A function as a GraphDef, and its tensors' names there by those in the function."""
    from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

    fits = shapes is not None and len(shapes) == len(function.signature.input_arg)
    body, flat = function_def_to_graph_def(function, shapes if fits else None)
    body.library.CopyFrom(graph_def.library)
    return body, flat


def _put_back(function: Any, body: Any, flat: Mapping[str, str]) -> None:
    """Make a changed GraphDef the function's body again: what its results need."""
    arguments = {argument.name for argument in function.signature.input_arg}
    nodes = {node.name: node for node in body.node}
    for output, source in function.ret.items():
        function.ret[output] = _nested(flat.get(source, source), nodes, arguments)
    ends = [*function.ret.values(), *function.control_ret.values()]
    needed = _needed(ends, nodes) - arguments
    del function.node_def[:]
    for node in (node for node in body.node if node.name in needed):
        copy = function.node_def.add()
        copy.CopyFrom(node)
        copy.input[:] = [_nested(source, nodes, arguments) for source in node.input]


def _needed(ends: list[str], nodes: Mapping[str, Any]) -> set[str]:
    needed: set[str] = set()
    waiting = [*ends]
    while waiting:
        name = waiting.pop().removeprefix("^").split(":")[0]
        if name not in needed:
            needed.add(name)
            waiting += nodes[name].input
    return needed


def _nested(source: str, nodes: Mapping[str, Any], arguments: set[str]) -> str:
    """A tensor ``node:0`` as functions name it, ``node:output:0``; an argument has its own name."""
    from tensorflow.python.framework import op_def_registry

    name, _, port = source.partition(":")
    if source[0] == "^" or name in arguments:
        return name
    node, left = nodes[name], int(port or 0)
    for output in op_def_registry.get(node.op).output_arg:
        count = _count(output, node)
        if left < count:
            return f"{name}:{output.name}:{left}"
        left -= count
    raise ValueError(f"{node.op} has no output {port}")


def _count(output: Any, node: Any) -> int:
    """How many tensors an output of an operator is."""
    if output.number_attr:
        return int(node.attr[output.number_attr].i)
    if output.type_list_attr:
        return len(node.attr[output.type_list_attr].list.type)
    return 1
