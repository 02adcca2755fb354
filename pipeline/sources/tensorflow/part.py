"""The part of a SavedModel that one signature needs.

Keras saves some functions for every layer, and loading makes a Python graph of each: on
MobileNet v1, 363 functions of which the signature calls two, and four fifths of the time.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.sources.tensorflow.safety import functions_of

ROOT = 0
SIGNATURES = "signatures"

#: What TensorFlow calls an object that has names and nothing else.
GENERIC = "_generic_user_object"


@contextmanager
def part(folder: Path, saved: Any, signature: str, changed: bool = False) -> Iterator[Path]:
    """A folder, for as long as loading takes, with what ``signature`` needs of a SavedModel.

    Of a model that TensorFlow 1 saved, which holds one graph and no objects, it is all.

    Args:
        folder: the whole SavedModel.
        saved: its ``saved_model.pb``, parsed; changed here.
        signature: a name under which the model has a signature.
        changed: whether ``saved`` differs from the file.
    """
    reduced = len(saved.meta_graphs) == 1 and _reduce(saved.meta_graphs[0], signature)
    if not reduced and not changed:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        for part_name in ("variables", "assets"):
            if (folder / part_name).exists():
                Path(name, part_name).symlink_to((folder / part_name).resolve())
        Path(name, "saved_model.pb").write_bytes(saved.SerializeToString())
        yield Path(name)


def _reduce(graph: Any, signature: str) -> bool:
    """Take objects and functions that a signature does not need from a MetaGraphDef.

    Returns:
        Whether the signature was found among the graph's objects.
    """
    signed = signature_object(graph, signature)
    if signed is None:
        return False
    objects, (signatures, function) = graph.object_graph_def, signed
    whole = _collect_needed(objects, function)
    kept = _with_ancestors(objects, whole)
    reduced = _renumbered(objects, whole, kept)
    # The only one of those on the way whose type is of use.
    reduced.nodes[sorted(kept).index(signatures)].user_object.CopyFrom(
        objects.nodes[signatures].user_object
    )
    _keep_functions(graph.graph_def, reduced.concrete_functions)
    objects.CopyFrom(reduced)
    return True


def signature_object(graph: Any, signature: str) -> tuple[int, int] | None:
    """The objects that hold all signatures and this one; None where TensorFlow 1 saved it."""
    objects = graph.object_graph_def
    signatures = _child(objects, ROOT, SIGNATURES) if objects.nodes else None
    function = None if signatures is None else _child(objects, signatures, signature)
    return None if signatures is None or function is None else (signatures, function)


def _child(objects: Any, node: int, name: str) -> int | None:
    children = objects.nodes[node].children
    return next((int(child.node_id) for child in children if child.local_name == name), None)


def _collect_needed(objects: Any, start: int) -> set[int]:
    """A node, and what it and its functions need: variables, tables and what fills them."""
    needed: set[int] = set()
    waiting = [start]
    while waiting:
        number = waiting.pop()
        if number in needed:
            continue
        needed.add(number)
        node = objects.nodes[number]
        waiting += [reference.node_id for reference in _references(node)]
        for saveable in node.saveable_objects.values():
            waiting += [saveable.save_function, saveable.restore_function]
        for name in _functions(node):
            waiting += objects.concrete_functions[name].bound_inputs
    return needed


def _references(node: Any) -> Iterator[Any]:
    yield from node.children
    yield from node.dependencies


def _functions(node: Any) -> Iterable[str]:
    """The concrete functions that an object is, or comes from."""
    kind = node.WhichOneof("kind")
    if kind == "function":
        return list(node.function.concrete_functions)
    if kind == "bare_concrete_function":
        return [node.bare_concrete_function.concrete_function_name]
    return [node.captured_tensor.concrete_function] if kind == "captured_tensor" else []


def _with_ancestors(objects: Any, nodes: Iterable[int]) -> set[int]:
    """Nodes, and those from which one of them is reached.

    Values are restored from a checkpoint by names on a way from the root, and not every way
    that the SavedModel knows is one that the checkpoint knows.
    """
    parents: dict[int, list[int]] = defaultdict(list)
    for number, node in enumerate(objects.nodes):
        for child in node.children:
            parents[child.node_id].append(number)
    reached: set[int] = set()
    waiting = [ROOT, *nodes]
    while waiting:
        number = waiting.pop()
        if number not in reached:
            reached.add(number)
            waiting += parents[number]
    return reached


def _renumbered(objects: Any, whole: set[int], kept: set[int]) -> Any:
    """A SavedObjectGraph of the kept nodes: those in ``whole`` as they are, others as names."""
    new = {old: index for index, old in enumerate(sorted(kept))}
    result = type(objects)()
    for old in new:
        node = result.nodes.add()
        if old in whole:
            node.CopyFrom(objects.nodes[old])
        else:
            node.user_object.identifier = GENERIC
            node.children.extend(c for c in objects.nodes[old].children if c.node_id in kept)
        _renumber(node, new)
    for name in {name for node in result.nodes for name in _functions(node)}:
        function = result.concrete_functions[name]
        function.CopyFrom(objects.concrete_functions[name])
        function.bound_inputs[:] = [new[old] for old in function.bound_inputs]
    return result


def _renumber(node: Any, new: Mapping[int, int]) -> None:
    node.ClearField("slot_variables")
    for reference in _references(node):
        reference.node_id = new[reference.node_id]
    for saveable in node.saveable_objects.values():
        saveable.save_function = new[saveable.save_function]
        saveable.restore_function = new[saveable.restore_function]


def _keep_functions(graph_def: Any, starts: Iterable[str]) -> None:
    """Keep the functions that these call, and no gradients."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += [other for node in functions[name].node_def for other in functions_of(node)]
    kept = [function for name, function in functions.items() if name in reached]
    graph_def.library.CopyFrom(type(graph_def.library)(function=kept))
