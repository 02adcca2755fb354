"""Refuses SavedModels whose operations would touch files, run code or are not TensorFlow's own.

A SavedModel is a program: loading runs its initializers, and inference its signature.
TensorFlow's SECURITY.md says so, and leaves it to the caller to look first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.graphs.tensorflow.canonical_graph import all_nodes, called_by

#: Operations that read or write files, speak to other machines, or run code from outside the graph.
_UNSAFE = re.compile(
    r"PyFunc|File|Reader|(Record|Line|Sql|LMDB|CSV|Save|Load|Cache)Dataset|Snapshot\w|DataService|Rpc"
    r"|Summary(Writer|Db)|^Write.*Summary|ImportEvent|VocabRemapping|RemapMatrix|DistributedSave"
    r"|ImmutableConst|RemoteCall|CustomCall|^Debug|Dump|TRTEngine|Bigtable|^_?(Host)?(Send|Recv)$"
    r"|Collective(Bcast|Reduce|Gather)"
)
#: Names of files as text; and tables, which read one in but are never exported.
_SAFE = re.compile(r"Sharded(Filename|Filespec)|InitializeTableFromTextFile(V2)?")

#: Written by every save, for its own checkpoint only.
_SAVE = {"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"}
_RESTORE = {"Restore", "RestoreSlice", "RestoreV2"}

_DECISION_FORESTS = re.compile("SimpleML.*")


def read_checked(path: Path, signature: str, tags: Iterable[str]) -> Any:
    """The parsed file, if its graph with these tags has the signature and may be loaded.

    Raises SourceError that lists the operations, or the signatures and tags there are.
    """
    saved = _parse(path)
    graph = meta_graph(saved, set(tags), path.name)
    public = [key for key in sorted(graph.signature_def) if not key.startswith("__")]
    if signature not in public:
        raise SourceError(
            f"this SavedModel has no signature {signature!r}; it has {', '.join(public) or 'none'}",
            where=path.name,
            todo="set source.signature to one of these, or export it with signatures=",
        )
    check_operations(graph.graph_def, path.name)
    _check_savers(graph, path.name)
    return saved


def _parse(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise SourceError("this saved_model.pb is damaged", where=path.name) from error
    return saved


def meta_graph(saved: Any, tags: set[str], where: str) -> Any:
    """The one graph with these tags; raises SourceError where there is none."""
    tag_sets = [set(graph.meta_info_def.tags) for graph in saved.meta_graphs]
    if tags not in tag_sets:
        listed = " or ".join(", ".join(sorted(have)) for have in tag_sets) or "none"
        raise SourceError(
            f"this SavedModel has no graph tagged {', '.join(sorted(tags))}; it has {listed}",
            where=where,
            todo="set source.tags to these",
        )
    return saved.meta_graphs[tag_sets.index(tags)]


def check_operations(graph_def: Any, where: str, what: str = "SavedModel") -> None:
    """Raise SourceError that lists the operations which may not run, or are not TensorFlow's."""
    from tensorflow.python.framework import op_def_registry

    _check_recursion(graph_def, where, what)
    nodes = list(all_nodes(graph_def))
    unsafe = sorted({node.op for node in nodes if _is_unsafe(node)})
    if unsafe:
        raise _unsafe(unsafe, where, what)
    functions = {function.signature.name for function in graph_def.library.function}
    operations = {node.op for node in nodes} - functions
    unknown = sorted(op for op in operations if op_def_registry.get(op) is None)
    if unknown:
        forests = any(_DECISION_FORESTS.fullmatch(op) for op in unknown)
        names = ", ".join(name if name.isprintable() else repr(name) for name in unknown)
        raise SourceError(
            f"this {what} needs operations that TensorFlow does not have: {names}",
            where=where,
            todo="decision forests run in no browser format; distil the model into a Keras network"
            if forests
            else "export the model again with plain TensorFlow operations in their place",
        )


def _check_recursion(graph_def: Any, where: str, what: str) -> None:
    """A function that calls itself has no end where it is written out, and ends TensorFlow."""
    calls = {
        function.signature.name: {node.op for node in function.node_def}
        | {called.name for node in function.node_def for called in called_by(node)}
        for function in graph_def.library.function
    }
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        raise SourceError(
            f"the function {error.args[1][0]!r} of this {what} calls itself",
            where=where,
            todo="export the model again without recursion: a loop may do the same",
        ) from error


def _is_unsafe(node: Any) -> bool:
    if node.op == "PrintV2":
        return not node.attr["output_stream"].s.startswith((b"stdout", b"stderr", b"log("))
    return _UNSAFE.search(node.op) is not None and _SAFE.fullmatch(node.op) is None


def _check_savers(graph: Any, where: str) -> None:
    """Checkpoint operations may lie only where saving and restoring are asked for."""
    functions = {f.signature.name: list(f.node_def) for f in graph.graph_def.library.function}
    top = {node.name: node for node in graph.graph_def.node}
    saver = graph.saver_def
    restoring = list(_reachable([saver.restore_op_name], top, functions))
    saving = list(_reachable([saver.save_tensor_name, saver.filename_tensor_name], top, functions))
    called = {_called_name(node) for node in (*restoring, *saving)} - set(
        graph.object_graph_def.concrete_functions
    )
    starts = [info.name for item in graph.signature_def.values() for info in item.outputs.values()]
    starts += [name for item in graph.collection_def.values() for name in item.node_list.value]
    running = list(_reachable(starts, top, functions))
    elsewhere = [node for name, body in functions.items() if name not in called for node in body]
    operators = {node.op for node in (*running, *elsewhere)} & (_SAVE | _RESTORE)
    operators |= {node.op for node in restoring} & _SAVE
    if operators:
        raise _unsafe(sorted(operators), where)


def _reachable(
    starts: Iterable[str], top: dict[str, Any], functions: dict[str, Any]
) -> Iterator[Any]:
    """All nodes that run for these top-level tensors, with those of the functions they call."""
    pending = [top[name] for name in map(_node_name, starts) if name in top]
    at_top, seen = {id(node) for node in top.values()}, set[int]()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        # Inside a function all nodes are taken, so that only top-level inputs are followed.
        if id(node) in at_top:
            pending += [top[name] for name in map(_node_name, node.input) if name in top]
        for function in functions_of(node):
            pending += functions.get(function, [])


def functions_of(node: Any) -> Iterator[str]:
    """The functions that a node may call, and other names."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (item.name for item in value.list.func)


def _called_name(node: Any) -> str:
    return next((name for name in functions_of(node) if name and name != node.op), node.op)


def _node_name(tensor: str) -> str:
    return tensor.lstrip("^").split(":")[0]


def _unsafe(operations: list[str], where: str, what: str = "SavedModel") -> SourceError:
    return SourceError(
        f"refused this {what}: {', '.join(operations)} would touch files or run code",
        where=where,
        todo="export the model again without these operations; do such work before inference",
    )
