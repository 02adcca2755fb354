"""A frozen graph of TensorFlow 1: one ``.pb`` file with constants for variables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import step
from pipeline.sources.contract import LoadedModel, Source

#: protobuf holds no more.
MAX_BYTES = 2**31

_FILE = "frozen_graph.pb"

#: What nothing reads, and what is no output all the same.
_NO_OUTPUT = frozenset(
    ("Assert", "Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "Print", "PrintV2")
)
_VARIABLES = frozenset(("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"))


class Options(StrictOptions):
    """A frozen graph of TensorFlow 1, a .pb file."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The .pb file. Its inputs are its placeholders, its outputs what nothing reads, unless
    source.outputs names others."""
    feeds: list[str] | None = None
    """Tensors that users give, in place of its placeholders: what comes before them falls away."""


@step(version=1)
def pull(path: Path, options: Options, work: Path) -> None:
    """Check the file and make it a source folder."""
    if not path.is_file() or path.stat().st_size >= MAX_BYTES:
        raise SourceError(
            "this is no frozen graph: a file of less than 2 GiB",
            where=str(path),
            todo="name the .pb file; a folder with a saved_model.pb is a saved_model",
        )
    shutil.copyfile(path, work / _FILE)
    SourceFolder(work).describe("frozen_graph", feeds=options.feeds)


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``pull`` wrote, after a look at every operation in it."""
    from pipeline.sources.tensorflow.graph_model import graph_model, telling_of_graphs

    graph_def = _read_checked(folder / _FILE)
    feeds = details.get("feeds") or ()
    with telling_of_graphs(_FILE, "get the file again, or freeze the model again"):
        _take_defaults(graph_def, feeds)
        # What is fed would be read by nothing.
        outputs = _unread(graph_def)
        inputs = _feed(graph_def, feeds)
        used = _without_unused(graph_def, outputs)
        return graph_model(used, inputs, {name: name for name in outputs})


def _read_checked(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import graph_pb2

    from pipeline.graphs.tensorflow.canonical_graph import all_nodes
    from pipeline.sources.tensorflow.safety import check_operations

    try:
        graph_def = graph_pb2.GraphDef.FromString(path.read_bytes())
    except DecodeError:
        graph_def = graph_pb2.GraphDef()
    if not graph_def.node:
        raise SourceError(
            "this is no frozen graph: it holds no nodes that can be read",
            where=path.name,
            todo="get the file again; of a saved_model.pb, name its folder as a saved_model",
        )
    if variables := [node.name for node in graph_def.node if node.op in _VARIABLES]:
        raise SourceError(
            f"this graph is not frozen: it has {len(variables)} variables, such as {variables[0]}",
            where=path.name,
            todo="freeze it with its checkpoint: "
            "tf.compat.v1.graph_util.convert_variables_to_constants",
        )
    check_operations(graph_def, path.name, "graph")
    local_functions = {function.signature.name for function in graph_def.library.function}
    if called := [node for node in all_nodes(graph_def) if node.op in local_functions]:
        raise SourceError(
            f"{called[0].name!r} is a function of the graph's own, {called[0].op!r}, no operator",
            where=path.name,
            todo="freeze the model again with that function's code in its place (no Defun)",
        )
    return graph_def


def _take_defaults(graph_def: Any, feeds: Sequence[str]) -> None:
    """Placeholders that have a value where nobody gives one have it."""
    for node in graph_def.node:
        if node.op == "PlaceholderWithDefault" and _bare(node.name) not in map(_bare, feeds):
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr["dtype"])
            for key in ("dtype", "shape"):
                del node.attr[key]


def _feed(graph_def: Any, feeds: Sequence[str]) -> dict[str, str]:
    """Put placeholders in the place of tensors: the name of each input -> its node."""
    if not feeds:
        return {node.name: node.name for node in graph_def.node if node.op == "Placeholder"}
    from pipeline.graphs.tensorflow.calls import inputs_without
    from pipeline.graphs.tensorflow.splicing import imported, tensors_of

    tensors = tensors_of(imported(graph_def))
    placed, fed = {}, {}
    for index, feed in enumerate(feeds):
        if feed not in tensors:
            raise SourceError(
                f"the graph has no tensor {feed!r}",
                where="source.frozen_graph.feeds",
                todo="name nodes as Netron shows them",
            )
        node = graph_def.node.add(name=f"feed_{index}", op="Placeholder")
        node.attr["dtype"].type = tensors[feed].dtype.as_datatype_enum
        node.attr["shape"].shape.CopyFrom(tensors[feed].shape.as_proto())
        fed[tensors[feed].name] = placed[_bare(feed)] = node.name
    for node in graph_def.node:
        node.input[:] = inputs_without(node, fed, ())
    return placed


def _unread(graph_def: Any) -> list[str]:
    """What nothing reads, in the graph's order: its outputs, as far as it tells."""
    from tensorflow.python.framework import op_def_registry

    read = {source.lstrip("^").split(":")[0] for node in graph_def.node for source in node.input}
    switches = {node.name for node in graph_def.node if node.op in ("Switch", "RefSwitch")}
    return [
        node.name
        for node in graph_def.node
        if node.name not in read | switches
        and node.op not in _NO_OUTPUT
        and op_def_registry.get(node.op).output_arg
        # What says which branch of a condition runs.
        and not (node.op == "Identity" and node.input[0].split(":")[0] in switches)
    ]


def _without_unused(graph_def: Any, outputs: Sequence[str]) -> Any:
    """The graph without what no output needs."""
    import tensorflow as tf

    if not outputs:
        raise SourceError("nothing in the graph looks like an output", where=_FILE)
    return tf.compat.v1.graph_util.extract_sub_graph(graph_def, list(outputs))


def _bare(name: str) -> str:
    return name.removesuffix(":0")


SOURCE = Source(
    name="frozen_graph",
    options=Options,
    pull=pull,
    gives=lambda options: ("tensorflow",),
    load=load,
)
