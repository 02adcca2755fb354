"""GraphDefs that are equal byte for byte wherever they are made.

Names given by TensorFlow count up from process to process, and the order of nodes is that of
hash maps. Here names are the signature's or come from the layers, and the order is that of a
walk from the outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.artifacts.large import ATTRIBUTE as LARGE
from pipeline.tensors.signature import Signature

#: TensorFlow 1 loops and branches: their control edges are part of what they compute.
LOWERED = {"Switch", "RefSwitch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"}

_CALL_PREFIX = re.compile(r"((Stateful)?PartitionedCall(_\d+)?/)+")
_NUMBER = re.compile(r"\d+|unknown(_\d+)?")


@dataclass(frozen=True)
class RawGraph:
    """A graph as TensorFlow froze it, and which of its tensors the signature means."""

    graph_def: Any
    inputs: list[str]
    """Node names of the placeholders, in signature order."""
    outputs: list[str]
    """Tensor names such as ``Identity_1:0``, in signature order."""


def canonical(raw: RawGraph, signature: Signature) -> Any:
    """The same computation with public names, nothing unused, and one possible order.

    Placeholders are named as the inputs, Identity nodes as the outputs. Inputs that no output
    needs are kept. Debug information, devices and private attributes are dropped.
    """
    from tensorflow.core.framework import graph_pb2

    nodes = {node.name: node for node in raw.graph_def.node}
    lowered = any(node.op in LOWERED for node in nodes.values())
    ends = _add_outputs(nodes, raw.outputs)
    if not lowered:
        drop_control_edges(nodes.values())
        _bypass_identities(nodes, ends)
    ordered = _in_walk_order(nodes, [*raw.inputs, *ends])
    public = [spec.name for spec in (*signature.inputs, *signature.outputs)]
    names = _new_names(nodes, ordered, dict(zip([*raw.inputs, *ends], public, strict=True)))
    result = graph_pb2.GraphDef(versions=raw.graph_def.versions)
    result.node.extend(_rename(nodes[name], names) for name in ordered)
    _add_functions(result, {f.signature.name: f for f in raw.graph_def.library.function})
    for node in all_nodes(result):
        _strip(node)
    return result


def _add_outputs(nodes: dict[str, Any], outputs: list[str]) -> list[str]:
    """Give every output an Identity node of its own, and return their (temporary) names."""
    from tensorflow.core.framework import node_def_pb2

    ends = []
    for index, tensor in enumerate(outputs):
        # A space can be in no TensorFlow name, so that this one is free.
        node = node_def_pb2.NodeDef(name=f"output {index}", op="Identity", input=[_short(tensor)])
        producer = nodes[_node_of(tensor)]
        if producer.op == "Identity":
            node.attr["T"].CopyFrom(producer.attr["T"])
            node.input[0] = _short(producer.input[0])
        nodes[node.name] = node
        ends.append(node.name)
    return ends


def drop_control_edges(nodes: Iterable[Any]) -> None:
    """Let no node wait for another: without state, as after freezing, order decides nothing."""
    for node in nodes:
        sources = [source for source in node.input if not source.startswith("^")]
        del node.input[:]
        node.input.extend(sources)


def _bypass_identities(nodes: dict[str, Any], ends: Iterable[str]) -> None:
    keep = set(ends)

    def origin(tensor: str) -> str:
        while True:
            node = nodes[_node_of(tensor)]
            if node.op != "Identity" or node.name in keep:
                return tensor
            tensor = _short(node.input[0])

    for node in nodes.values():
        sources = [origin(_short(source)) for source in node.input]
        del node.input[:]
        node.input.extend(sources)


def _in_walk_order(nodes: Mapping[str, Any], starts: Iterable[str]) -> list[str]:
    """Names of all nodes that the starts need, each after its inputs, by a walk in depth."""
    ordered: dict[str, None] = {}
    seen: set[str] = set()
    # A stack, since graphs are deeper than Python's recursion; what was seen is not entered
    # again, since TensorFlow 1 loops are cycles.
    stack = [(name, False) for name in reversed(list(starts))]
    while stack:
        name, expanded = stack.pop()
        if expanded:
            ordered[name] = None
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack += [(_node_of(source), False) for source in reversed(nodes[name].input)]
    return list(ordered)


def _new_names(
    nodes: Mapping[str, Any], ordered: list[str], public: Mapping[str, str]
) -> dict[str, str]:
    """Old name -> new name: the signature's, or the old one without names of function calls.

    Constants that were variables have numbers for names, which differ from one process to the
    next: they are named after the operation that takes them, as in ``conv1/Conv2D/filter``.
    """
    names = dict(public)
    taken = set(public.values())
    others = [name for name in ordered if name not in names]
    for name in others:
        if not _NUMBER.fullmatch(name):
            names[name] = _unique(_CALL_PREFIX.sub("", name, count=1), taken)
    roles = _roles(nodes, ordered)
    for name in others:
        if name not in names:
            user, role = roles[name]
            names[name] = _unique(f"{names.get(user, 'constant')}/{role}", taken)
    return names


def _roles(nodes: Mapping[str, Any], ordered: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Node -> the first node that takes it, and as which of its arguments."""
    roles: dict[str, tuple[str, str]] = {}
    for user in ordered:
        arguments = _arguments(nodes[user])
        for source in nodes[user].input:
            roles.setdefault(_node_of(source), (user, next(arguments, "input")))
    return roles


def _arguments(node: Any) -> Iterator[str]:
    """The operation's own names for a node's inputs, one by one; lists end them."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    for argument in definition.input_arg if definition else ():
        if argument.number_attr or argument.type_list_attr:
            return
        yield argument.name


def _unique(base: str, taken: set[str]) -> str:
    unique, count = base, 1
    while unique in taken:
        unique, count = f"{base}_{count}", count + 1
    taken.add(unique)
    return unique


def _rename(node: Any, names: Mapping[str, str]) -> Any:
    node.name = names[node.name]
    for index, source in enumerate(node.input):
        control, rest = ("^", source[1:]) if source.startswith("^") else ("", source)
        name, colon, port = rest.partition(":")
        node.input[index] = f"{control}{names[name]}{colon}{port}"
    return node


def _add_functions(graph: Any, functions: Mapping[str, Any]) -> None:
    """Keep the functions that are called, named by what they are and in the order of calls."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    pending = list(graph.node)
    while pending:
        node = pending.pop(0)
        for reference in called_by(node):
            if reference.name in functions and reference.name not in names:
                names[reference.name] = _unique(_function_name(reference.name), taken)
                pending += functions[reference.name].node_def
    for old, new in names.items():
        function = graph.library.function.add()
        function.CopyFrom(functions[old])
        function.signature.name = new
        function.ClearField("attr")
        function.ClearField("arg_attr")
        _rename_arguments(function)
    for reference in references(graph):
        reference.name = names.get(reference.name, reference.name)


def _rename_arguments(function: Any) -> None:
    """Number a function's arguments: the names of some hold the function's old name."""
    taken = {node.name for node in function.node_def}
    arguments = function.signature.input_arg
    new = {argument.name: _unique(f"arg_{i}", taken) for i, argument in enumerate(arguments)}
    for argument in arguments:
        argument.name = new[argument.name]
    for node in function.node_def:
        for index, source in enumerate(node.input):
            name, colon, port = source.partition(":")
            node.input[index] = new.get(name, name) + colon + port
    for key, source in list(function.ret.items()):
        function.ret[key] = new.get(source, source)


def _function_name(name: str) -> str:
    """A function's name without the numbers that count functions of the process."""
    return re.sub(r"_\d+(?=_|$)", "", re.sub(r"^__(inference|forward)_", "", name))


def called_by(node: Any) -> Iterator[Any]:
    """Where a node names functions."""
    for key in sorted(node.attr):
        value = node.attr[key]
        if value.WhichOneof("value") == "func":
            yield value.func
        yield from value.list.func


def references(graph: Any) -> Iterator[Any]:
    """Where nodes of a graph and of its functions name functions."""
    for node in all_nodes(graph):
        yield from called_by(node)


def all_nodes(graph: Any) -> Iterator[Any]:
    """A graph's nodes, and those of its functions."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _strip(node: Any) -> None:
    node.ClearField("device")
    node.ClearField("experimental_debug_info")
    for name in [name for name in node.attr if name.startswith("_") and name != LARGE]:
        del node.attr[name]


def _node_of(tensor: str) -> str:
    return tensor.lstrip("^").split(":", maxsplit=1)[0]


def _short(tensor: str) -> str:
    """``x:0`` as ``x``, the way that GraphDefs write it."""
    return tensor.removesuffix(":0")
