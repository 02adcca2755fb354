"""Functions of loops and branches give and read results in a way that TF.js understands.

TF.js 4.22 reads no output by its name: where a function reads a TopKV2's ``indices:0``, it takes
the values. By number, as ``:1``, it finds them. Of a node with several outputs that a function
returns it keeps one number: of two, both become the later one. And a returned constant is lost,
since the converter renames constants where they are read alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.backends.tfjs_graph import output_names


def return_apart(graph_def: Any) -> None:
    """Put an Identity behind each result that would be lost, in place."""
    for function in graph_def.library.function:
        operators = {node.name: node.op for node in function.node_def}
        types = {output.name: output.type for output in function.signature.output_arg}
        count = Counter(_node(source) for source in function.ret.values())
        for output, source in list(function.ret.items()):
            operator = operators.get(_node(source), "")
            if operator and (
                operator == "Const" or count[_node(source)] > 1 or output_names(operator)
            ):
                node = function.node_def.add(name=f"{output}/returned", op="Identity")
                node.input.append(source)
                node.attr["T"].type = types[output]
                function.ret[output] = f"{node.name}:output:0"


def number_outputs(graph_def: Any) -> None:
    """Read outputs by number where an operator has several of names of their own, in place.

    TensorFlow reads no such graph; ``pipeline.backends.tensorflow`` gives the names back.
    """
    for function in graph_def.library.function:
        outputs_of = {node.name: output_names(node.op) for node in function.node_def}
        for node in function.node_def:
            node.input[:] = [_numbered(source, outputs_of) for source in node.input]


def _numbered(source: str, outputs_of: dict[str, list[str]]) -> str:
    node, _, output = source.partition(":")
    names = outputs_of.get(node)
    return f"{node}:{names.index(output.split(':')[0])}" if names and output else source


def _node(source: str) -> str:
    return source.split(":", maxsplit=1)[0]
