"""A TF.js graph model as a graph of TensorFlow's own operators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.backends.tfjs_graph import graph_def_of, read_weights
from pipeline.sources.contract import LoadedModel
from pipeline.sources.tfjs.files import MODEL, read_model
from pipeline.sources.tfjs.reference import with_reference

#: What nothing reads, and what is no output all the same.
_NO_OUTPUT = frozenset(("Assert", "Const", "NoOp", "Placeholder", "Print", "PrintV2"))


def load(folder: Path) -> LoadedModel:
    """The model of a source folder.

    Raises:
        SourceError: TensorFlow does not take the graph, or it may not run.
    """
    from pipeline.sources.tensorflow.graph_model import graph_model, telling_of_graphs
    from pipeline.sources.tensorflow.safety import check_operations

    model = read_model(folder / MODEL)
    with telling_of_graphs(MODEL, "check that TF.js loads it; if it does, report the model"):
        graph_def = graph_def_of(model, read_weights(model["weightsManifest"], folder), whole=True)
        check_operations(graph_def, MODEL, "TF.js model")
        _drop_order(graph_def)
        inputs = _named(model, "inputs") or _placeholders(graph_def)
        outputs = _named(model, "outputs") or _unread(graph_def)
        loaded = graph_model(graph_def, inputs, outputs)
    return with_reference(loaded, folder / MODEL, inputs, outputs)


def _drop_order(graph_def: Any) -> None:
    """Let nodes wait for what they read alone, as in TF.js: without state, order decides nothing.

    What reads nothing is told by what it waits for in which loop or branch it runs.
    """
    for node in graph_def.node:
        read = [source for source in node.input if not source.startswith("^")]
        if read:
            node.input[:] = read


def _named(model: Mapping[str, Any], side: str) -> dict[str, str]:
    """What a model's signature says of its inputs or outputs: name -> tensor."""
    described = model.get("userDefinedMetadata")
    old = described.get("signature") if isinstance(described, dict) else None
    signature = model.get("signature") or old or {}
    entries = signature.get(side) or {}
    return {
        name.removesuffix(":0"): entry.get("name", name).removesuffix(":0")
        for name, entry in entries.items()
    }


def _placeholders(graph_def: Any) -> dict[str, str]:
    return _same(node.name for node in graph_def.node if node.op == "Placeholder")


def _unread(graph_def: Any) -> dict[str, str]:
    """What nothing reads: outputs, where a model does not say which are."""
    read = {source.lstrip("^").split(":")[0] for node in graph_def.node for source in node.input}
    ends = (n.name for n in graph_def.node if n.name not in read and n.op not in _NO_OUTPUT)
    return _same(ends)


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}
