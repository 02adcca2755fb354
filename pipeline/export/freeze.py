"""Freezes a source: one graph with constants for variables and the signature's own names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.graphs import activations
from pipeline.graphs.tensorflow.canonical_graph import canonical
from pipeline.graphs.tensorflow.large import Outside
from pipeline.graphs.tensorflow.outline import count_parameters, is_softmax
from pipeline.graphs.tensorflow.single import to_single
from pipeline.graphs.tensorflow.spread import spread
from pipeline.graphs.tensorflow.tables import MOST_KEYS
from pipeline.sources.load import load
from pipeline.sources.tensorflow.constants import one_function, with_constants
from pipeline.tensors.arrays import NDArray, np
from pipeline.tensors.pruned import prune, wrap
from pipeline.tensors.signature import Signature


@step(version=8, lane="tensorflow", tools=("tensorflow", "tf-keras", "keras"))
def freeze(source: SourceFolder, options: NoOptions, work: Path) -> None:
    """SOURCE -> FROZEN, always the same bytes.

    Operators that runtimes lack are written in others. Ranges of activations that a technique
    trained for come along.

    Raises PipelineError where the model keeps something that is no constant (a lookup table).
    """
    loaded = load(source.folder)
    function = one_function(loaded)
    raw = with_constants(function, Frozen(work).large)
    raw = replace(raw, graph_def=spread(raw.graph_def))
    dtypes = to_single(raw.graph_def)
    graph = canonical(raw, loaded.signature)
    _check_state(graph, loaded.signature)
    activations.write(work, activations.of_tensors(activations.read(source.folder), graph))
    signature = _with_softmax(loaded.signature, graph)
    changes = {"dtypes": dtypes, "renamed_layers": dict(loaded.renamed_layers)}
    Frozen(work).write(graph, signature, count_parameters(function, graph), changes)


def run(
    frozen_folder: Path, inputs: Mapping[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.generic]]:
    """Execute a frozen folder in TensorFlow: arrays in and out by public name."""
    results: dict[str, NDArray[np.generic]] = runner(frozen_folder)(inputs)
    return results


def runner(frozen_folder: Path) -> Any:
    """A function like ``run`` for one frozen folder, to be called any number of times."""
    import tensorflow as tf

    signature, graph_def = Frozen(frozen_folder).signature, Frozen(frozen_folder).outline()
    large = Outside(Frozen(frozen_folder).large)
    large.hide(graph_def)
    function = prune(
        wrap(graph_def),
        [f"{name}:0" for name in (*(spec.name for spec in signature.inputs), *large.values)],
        {spec.name: f"{spec.name}:0" for spec in signature.outputs},
    )
    weights = [tf.constant(values) for values in large.values.values()]

    def call(inputs: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        tensors = [tf.constant(inputs[spec.name], dtype=spec.dtype) for spec in signature.inputs]
        return {name: value.numpy() for name, value in function(*tensors, *weights).items()}

    return call


_STATE = re.compile("VarHandleOp|ReadVariableOp|Assign.*VariableOp|.*(Table|Queue|Iterator)(V2)?")


def _check_state(graph: Any, signature: Signature) -> None:
    """Raise PipelineError if anything is left that lives outside the graph."""
    inputs = {spec.name for spec in signature.inputs}
    held = {n.name for n in graph.node if n.op == "Placeholder" and n.name not in inputs}
    held |= {node.name for node in graph.node if _STATE.fullmatch(node.op)}
    users = [node for node in graph.node if held & {source.split(":")[0] for source in node.input}]
    if held:
        operators = ", ".join(sorted({f"{node.op} at {node.name!r}" for node in users})[:4])
        raise PipelineError(
            f"the model keeps state that cannot become a constant ({operators or sorted(held)[0]})",
            where="freeze",
            todo=_BEHIND if "LookupTable" in operators else "export it without changing variables",
        )


_BEHIND = (
    "export what comes behind the table as a model of its own, in Keras keras.Model("
    "[model.get_layer(NAME).output, …other inputs], model.outputs), and look up in front of it; "
    f"a table of up to {MOST_KEYS:,} whole numbers is converted"
)


def _with_softmax(signature: Signature, graph: Any) -> Signature:
    """Mark the outputs that are a softmax over their last axis."""
    outputs = tuple(
        replace(spec, softmax=is_softmax(spec.name, graph)) for spec in signature.outputs
    )
    return replace(signature, outputs=outputs)
