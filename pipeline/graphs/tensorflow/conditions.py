"""Takes branches out of a graph that no input can choose, as those of training are.

Models of TensorFlow 1 ask a placeholder ``is_training`` with ``tf.cond``. Where its value is
fixed, what is left is the branch that it chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.artifacts.large import ATTRIBUTE
from pipeline.graphs.tensorflow.calls import CALLS, inputs_without
from pipeline.graphs.tensorflow.splicing import imported
from pipeline.graphs.tensorflow.spread import inlined

CHOICES = frozenset(("If", "StatelessIf", "Case", "StatelessCase"))
SWITCHES = frozenset(("Switch", "RefSwitch"))

#: Of an operator that chooses, what does not belong to the call of the chosen function.
_OF_CHOICES = ("Tcond", "then_branch", "else_branch", "branches", "output_shapes")


def fold_conditions(graph_def: Any) -> Any:
    """The same graph, in which what constants alone decide is decided."""
    if any(node.op in CALLS for node in graph_def.node) and _chooses(graph_def):
        graph_def = inlined(graph_def)
    while decided := _decide(graph_def):
        graph_def = _without_switches(_called(graph_def, decided), decided)
    return graph_def


def _chooses(graph_def: Any) -> bool:
    bodies = [function.node_def for function in graph_def.library.function]
    return any(node.op in CHOICES | SWITCHES for nodes in bodies for node in nodes)


def _decide(graph_def: Any) -> dict[str, int]:
    """Node that chooses -> the index of what is chosen: by constants alone."""
    choosing = [node for node in graph_def.node if node.op in CHOICES | SWITCHES]
    constant = _constant(graph_def) if choosing else set()
    decided = {
        node.name: node.input[1 if node.op in SWITCHES else 0]
        for node in choosing
        if node.input[1 if node.op in SWITCHES else 0].split(":")[0] in constant
    }
    if not decided:
        return {}
    import tensorflow as tf

    tensors = {name: source if ":" in source else f"{source}:0" for name, source in decided.items()}
    with tf.compat.v1.Session(graph=imported(graph_def)) as session:
        values = session.run(tensors)
    return {
        node.name: _choose_branch(node, values[node.name])
        for node in choosing
        if node.name in values
    }


def _choose_branch(node: Any, value: Any) -> int:
    """The index among a node's branches, or among a switch's outputs: those of false come first."""
    if node.op in SWITCHES:
        return int(bool(value))
    if node.op.endswith("If"):
        return 0 if value.any() else 1
    last = len(node.attr["branches"].list.func) - 1
    return int(value) if 0 <= int(value) <= last else last


def _constant(graph_def: Any) -> set[str]:
    """Nodes that depend on constants alone, and are the same each time."""
    from tensorflow.python.framework import op_def_registry

    constant: set[str] = set()
    grown = True
    while grown:
        before = len(constant)
        for node in graph_def.node:
            sources = {source.lstrip("^").split(":")[0] for source in node.input}
            definition = op_def_registry.get(node.op)
            pure = definition is not None and not definition.is_stateful
            # A switch gives only one of its outputs.
            pure &= node.op not in SWITCHES | {"Placeholder", "Merge", "Enter", "NextIteration"}
            # Its value is in a file.
            pure &= ATTRIBUTE not in node.attr
            if pure and (sources or node.op == "Const") and sources <= constant:
                constant.add(node.name)
        grown = len(constant) > before
    return constant


def _called(graph_def: Any, branches: Mapping[str, int]) -> Any:
    """Put the chosen branch's own nodes in the place of each decided If and Case."""
    decided = [node for node in graph_def.node if node.name in branches and node.op in CHOICES]
    for node in decided:
        names = [node.attr[key].func.name for key in ("then_branch", "else_branch")]
        if not node.op.endswith("If"):
            names = [function.name for function in node.attr["branches"].list.func]
        node.op = (
            "PartitionedCall" if node.op.startswith("Stateless") else "StatefulPartitionedCall"
        )
        node.attr["f"].func.name = names[branches[node.name]]
        for key in _OF_CHOICES:
            node.attr.pop(key, None)
        del node.input[0]
    return inlined(graph_def) if decided else graph_def


def _without_switches(graph_def: Any, branches: Mapping[str, int]) -> Any:
    """Take the dead side of each decided switch out, and the merges behind the sides."""
    live: dict[str, str] = {}
    dead: set[str] = set()
    changed = True
    while changed:
        before = len(live), len(dead)
        for node in graph_def.node:
            _follow(node, branches, live, dead)
        changed = (len(live), len(dead)) != before
    if not live:
        return graph_def
    gone = dead | {name.split(":")[0] for name in live}
    result = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name not in gone:
            copy = result.node.add()
            copy.CopyFrom(node)
            copy.input[:] = inputs_without(node, live, gone)
    return result


def _follow(node: Any, branches: Mapping[str, int], live: dict[str, str], dead: set[str]) -> None:
    """Note what a node passes on unchanged, and what is never computed.

    Args:
        live: output -> the tensor that it is.
        dead: nodes, and single outputs of switches.
    """
    gone = [source for source in node.input if _is_dead(source, dead)]
    if node.op == "Merge":
        left = [source for source in node.input if source not in gone and source[0] != "^"]
        if gone and len(left) == 1:
            live[f"{node.name}:0"] = left[0]
        elif not left:
            dead.add(node.name)
    elif gone:
        dead.add(node.name)
    elif node.op in SWITCHES and node.name in branches:
        port = branches[node.name]
        live[f"{node.name}:{port}"] = node.input[0]
        dead.add(f"{node.name}:{1 - port}")


def _is_dead(source: str, dead: set[str]) -> bool:
    name, _, port = source.lstrip("^").partition(":")
    return name in dead or (source[0] != "^" and f"{name}:{port or 0}" in dead)
