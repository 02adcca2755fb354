"""Lets loops keep, in TF.js, what they put into lists.

At the end of a function TF.js 4.22 disposes of every tensor that it made but for the function's
outputs, also of one that a list still holds (``GraphExecutor._executeAsync`` in
tfjs-converter/src/executor/graph_executor.ts). So an LSTM's list of results is empty when it is
read. Two changes, which compute nothing, keep the elements:

- An output that is an ``Identity`` becomes what that reads: of an ``Identity`` TF.js makes a tensor
  of its own, and disposes of the one in the list.
- An element that is no output becomes one, as another variable of the loop that nothing reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The operators that put a tensor into a list: which input that is, and which attribute its type.
WRITERS = {
    "TensorListSetItem": (2, "element_dtype"),
    "TensorListPushBack": (1, "element_dtype"),
    "TensorArrayWriteV3": (2, "T"),
}
LOOPS = frozenset(("While", "StatelessWhile"))


def keep_elements(graph_def: Any) -> None:
    """Make outputs of what the loops of a ``GraphDef`` put into lists, in place."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    for function in functions.values():
        _skip_identities(function)
    # Of all before a loop within one gets another variable: what it gives is no element.
    loops = [*_loops(graph_def, functions)]
    added: dict[str, list[int]] = {}
    for _, loop in loops:
        body, condition = (functions[loop.attr[name].func.name] for name in ("body", "cond"))
        name = body.signature.name
        if name not in added:
            added[name] = _return_elements(body)
            _take_arguments(condition, added[name])
    for nodes, loop in loops:
        _start_with_nothing(nodes, loop, added[loop.attr["body"].func.name])


def _loops(graph_def: Any, functions: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Each loop, and the nodes among which it stands: the graph's or a function's."""
    for nodes in (graph_def.node, *(function.node_def for function in functions.values())):
        for node in nodes:
            if node.op in LOOPS:
                yield nodes, node


def _skip_identities(function: Any) -> None:
    nodes = {node.name: node for node in function.node_def}
    for name, source in [*function.ret.items()]:
        function.ret[name] = _behind(source, nodes)


def _behind(source: str, nodes: Mapping[str, Any]) -> str:
    """What a node's output is where the node only passes it on."""
    node = nodes.get(source.split(":", maxsplit=1)[0])
    if node is None or node.op != "Identity":
        return source
    return _behind(node.input[0], nodes)


def _return_elements(body: Any) -> list[int]:
    """Make each element that is no output of a body one, and an argument that nothing reads.

    Returns:
        The types of what was added, numbers of TensorFlow's ``DataType``.
    """
    protected = {*body.ret.values(), *(argument.name for argument in body.signature.input_arg)}
    types: list[int] = []
    for node in body.node_def:
        if node.op not in WRITERS:
            continue
        position, dtype = WRITERS[node.op]
        element = node.input[position]
        if element in protected:
            continue
        name = f"kept_{len(types)}"
        types.append(node.attr[dtype].type)
        body.signature.output_arg.add(name=name, type=types[-1])
        body.ret[name] = element
        protected.add(element)
    _take_arguments(body, types)
    return types


def _take_arguments(function: Any, types: Sequence[int]) -> None:
    for index, dtype in enumerate(types):
        function.signature.input_arg.add(name=f"kept_{index}", type=dtype)


def _start_with_nothing(nodes: Any, loop: Any, types: Sequence[int]) -> None:
    """Give a loop the first values of its new variables; nothing reads them, so any will do."""
    from tensorflow import as_dtype, make_tensor_proto

    for index, dtype in enumerate(types):
        node = nodes.add(name=f"{loop.name}/kept_{index}", op="Const")
        node.attr["dtype"].type = dtype
        node.attr["value"].tensor.CopyFrom(make_tensor_proto([0], as_dtype(dtype)))
        loop.attr["T"].list.type.append(dtype)
        if "output_shapes" in loop.attr:
            loop.attr["output_shapes"].list.shape.add(unknown_rank=True)
        # What only has to run before it stands last.
        data = sum(not source.startswith("^") for source in loop.input)
        loop.input.insert(data, node.name)
