"""Writes called functions out where they are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))


def write_calls(graph_def: Any) -> None:
    """Put the nodes of called functions in the place of calls, in place.

    Grappler leaves a call alone whose function has TensorFlow 1's control flow.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    while calls := [node for node in graph_def.node if node.op in CALLS]:
        replaced: dict[str, str] = {}
        for call in calls:
            replaced |= _write_function(graph_def, call, functions[call.attr["f"].func.name])
            graph_def.node.remove(call)
        gone = {call.name for call in calls}
        for node in graph_def.node:
            node.input[:] = inputs_without(node, replaced, gone)


def _write_function(graph_def: Any, call: Any, function: Any) -> dict[str, str]:
    """Add a function's nodes: each output of the call -> the tensor that it is."""
    from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

    body, flat = function_def_to_graph_def(function)
    arguments = [argument.name for argument in function.signature.input_arg]
    data = [source for source in call.input if source[0] != "^"]
    inputs = dict(zip(arguments, data, strict=True))
    for node in body.node:
        if node.name not in inputs:
            copy = graph_def.node.add()
            copy.CopyFrom(node)
            copy.name = f"{call.name}/{node.name}"
            copy.input[:] = [_tensor_of_call(source, inputs, call.name) for source in node.input]
    results = [function.ret[output.name] for output in function.signature.output_arg]
    return {
        f"{call.name}:{port}": _tensor_of_call(flat.get(result, result), inputs, call.name)
        for port, result in enumerate(results)
    }


def _tensor_of_call(source: str, inputs: Mapping[str, str], prefix: str) -> str:
    """A tensor of a function as the graph around it calls it."""
    control, bare = ("^", source[1:]) if source[0] == "^" else ("", source)
    name, colon, port = bare.partition(":")
    if name in inputs:
        return control + (inputs[name].split(":")[0] if control else inputs[name])
    return f"{control}{prefix}/{name}{colon}{port}"


def inputs_without(node: Any, replaced: Mapping[str, str], gone: Collection[str]) -> list[str]:
    """What a node reads once others are gone, whose outputs other tensors are.

    Args:
        replaced: output, as in ``name:0`` -> the tensor in its place, which may be given too.
        gone: nodes, for which nothing waits any more.
    """
    sources = [source for source in node.input if source[0] != "^" or source[1:] not in gone]
    return [_replacement_of(source, replaced) for source in sources]


def _replacement_of(source: str, replaced: Mapping[str, str]) -> str:
    while source[0] != "^":
        name, _, port = source.partition(":")
        if (tensor := replaced.get(f"{name}:{port or 0}")) is None:
            break
        source = tensor
    return source
