"""Finds the tensor of a graph that a config means by a name: an output's, a node's or a layer's."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pipeline.base.errors import SourceError

#: So many tensors are named in an error.
NAMED = 8


def find_tensor(graph_def: Any, name: str, outputs: Mapping[str, str]) -> str:
    """The tensor that a name means, as a GraphDef calls it.

    A node's name may lack what stands before a slash of it, as names of function calls do. A
    layer means what the nodes of its scope give to others.

    Args:
        outputs: what the model gives, by public name -> tensor.

    Raises:
        SourceError: nothing, or more than one thing, has the name.
    """
    if name in outputs:
        return outputs[name]
    node, _, port = name.partition(":")
    names = [definition.name for definition in graph_def.node]
    matches = [other for other in names if other == node] or [
        other for other in names if other.endswith(f"/{node}")
    ]
    matches = [f"{match}:{port}" if port else match for match in matches]
    matches = matches or _given_by(graph_def, node, outputs)
    if len(matches) != 1:
        raise _unclear(name, matches, names)
    return matches[0]


def _given_by(graph_def: Any, layer: str, outputs: Mapping[str, str]) -> list[str]:
    """Tensors that nodes of a layer's scope give to nodes outside of it, or as the model's own."""
    inside = {node.name for node in graph_def.node if f"/{layer}/" in f"/{node.name}"}
    computed = {n.name for n in graph_def.node if n.name in inside and n.op != "Const"}
    read = [s for n in graph_def.node if n.name not in inside for s in n.input if s[0] != "^"]
    sources = [source for source in (*read, *outputs.values()) if source.split(":")[0] in computed]
    return list(dict.fromkeys(source.removesuffix(":0") for source in sources))


def _unclear(name: str, matches: list[str], names: list[str]) -> SourceError:
    if matches:
        return SourceError(
            f"{name!r} may mean {', '.join(matches[:NAMED])}",
            where="source.outputs",
            todo="name one of these",
        )
    last = {n.rsplit("/", 1)[-1]: n for n in names} | {n: n for n in names}
    close = [
        last[match] for match in get_close_matches(name.split(":", maxsplit=1)[0], last, NAMED)
    ]
    hint = f"; names like it are {', '.join(dict.fromkeys(close))}" if close else ""
    return SourceError(
        f"the model has no output, node or layer {name!r}{hint}",
        where="source.outputs",
        todo="name a node as Netron shows the frozen graph, or a Keras layer",
    )
