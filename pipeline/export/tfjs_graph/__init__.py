"""TF.js graph models: the frozen graph, optimized by tensorflowjs' own passes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.frozen import Frozen
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.export.contract import Format, FormatOptions
from pipeline.export.onnx.tensorflow import fold_constants
from pipeline.export.tfjs_graph import mend, volumes, whole
from pipeline.export.tfjs_graph.keeping import keep
from pipeline.export.tfjs_graph.loops import keep_elements
from pipeline.export.tfjs_graph.origins import BeforeFusing, watch_fusions
from pipeline.export.tfjs_graph.origins import origins as origins_of
from pipeline.export.tfjs_graph.packaging import package
from pipeline.export.tfjs_graph.returns import number_outputs, return_apart
from pipeline.export.tfjs_graph.strides import CONVOLUTIONS, write_padding
from pipeline.export.tfjs_graph.unfuse import unfuse
from pipeline.export.tfjs_graph.writing import write_weights
from pipeline.graphs import origins
from pipeline.graphs.tensorflow.bodies import change_bodies
from pipeline.graphs.tensorflow.computed import hide, restore, stay_computed
from pipeline.graphs.tensorflow.fold import BatchNormFolder
from pipeline.graphs.tensorflow.large import Outside
from pipeline.graphs.tensorflow.outside import outside, settle
from pipeline.graphs.tensorflow.splicing import imported, rewrite
from pipeline.tensors.signature import Signature

__all__ = ["FORMAT", "Options", "convert", "package"]

NAME = "tfjs-graph"

#: What is written in other nodes, one after the other.
MENDS = (mend.REWRITES, volumes.DILATIONS, volumes.REWRITES, whole.REWRITES)


class Options(FormatOptions):
    """TF.js graph model, for ``tf.loadGraphModel(url)``."""


@step(version=17, lane="tensorflow", tools=("tensorflow", "tensorflowjs"))
def convert(frozen: Frozen, options: NoOptions, work: Path) -> None:
    """FROZEN -> ``model.json`` and ``weights.bin``, float32, the same bytes every time.

    ``origins.json`` beside them says which frozen tensor each tensor equals.
    """
    from google.protobuf.json_format import MessageToDict

    from pipeline.export.tfjs_graph.guard import import_converter

    converter = import_converter()
    converted, signature = ConvertedTfjs(work), frozen.signature
    with outside(frozen, work, [spec.name for spec in signature.outputs]) as (outline, large):
        optimized, known = _optimize(converter, outline, large, signature)
        graph_def = _in_walk_order(optimized, signature)
        origins.write(work, origins_of(graph_def, *known))
        weights = converter.extract_weights(graph_def)
        number_outputs(graph_def)
        manifest = write_weights(converter.write_weights, weights, large.values, converted)
    model = {
        "format": "graph-model",
        "generatedBy": _tensorflow_version(),
        "convertedBy": converter.common.get_converted_by(),
        "signature": _signature_json(signature),
        "modelTopology": _sorted(MessageToDict(graph_def)),
        "weightsManifest": manifest,
    }
    if len(signature.outputs) > 1:
        # With these keys, predict() returns {name: tensor} instead of a bare list.
        model["userDefinedMetadata"] = {
            "structuredOutputKeys": [output.name for output in signature.outputs]
        }
    converted.write_model(json.dumps(model, separators=(",", ":")))
    converted.keep_signature(frozen)


_Known = tuple[BeforeFusing, set[str], set[str]]


def _optimize(
    converter: Any, graph_def: Any, large: Outside, signature: Signature
) -> tuple[Any, _Known]:
    """Run the converter's graph passes; return the GraphDef, and what tells its origins."""
    from tensorflow.core.protobuf import meta_graph_pb2

    graph, hidden = _load(graph_def, signature)
    definition = meta_graph_pb2.SignatureDef()
    for side in ("inputs", "outputs"):
        for spec in getattr(signature, side):
            tensor = graph.get_tensor_by_name(f"{spec.name}:0")
            info = getattr(definition, side)[spec.name]
            info.name, info.dtype = tensor.name, tensor.dtype.as_datatype_enum
            info.tensor_shape.CopyFrom(tensor.shape.as_proto())
    outputs = [spec.name for spec in signature.outputs]
    operations = {operation.name: operation for operation in graph.get_operations()}
    scaled: set[str] = set()
    with (
        _own_folding(converter.fold_batch_norms, outputs, scaled, large),
        watch_fusions(converter.fuse_prelu) as before,
    ):
        # The operators were checked in a step of their own, with better errors.
        optimized = converter.optimize_graph(
            graph, definition, skip_op_check=True, strip_debug_ops=True
        )
    restore(optimized, hidden)
    settle(optimized, large, outputs)
    large.restore(optimized)
    unfuse(optimized)
    keep_elements(optimized)
    return_apart(optimized)
    # Grappler drops inputs that no output needs; a caller may still pass them.
    names_left = {node.name for node in optimized.node}
    lost = [
        op
        for op in operations.values()
        if op.type == "Placeholder" and op.name not in names_left | {*hidden, *large.values}
    ]
    optimized.node.extend(operation.node_def for operation in lost)
    return optimized, (before, set(operations), scaled)


def _load(graph_def: Any, signature: Signature) -> tuple[Any, dict[str, Any]]:
    """A ``tf.Graph`` in which nothing is foldable that folding would blow up.

    Returns:
        The graph, and what ``computed.hide`` took from it.
    """
    graph = imported(graph_def)
    changed = change_bodies(graph_def, graph, CONVOLUTIONS.union(*MENDS), _mend)
    if _mend(graph_def, graph) or changed:
        graph = imported(graph_def)
    names = stay_computed(graph, [spec.name for spec in signature.outputs])
    if not names:
        return graph, {}
    # Folded as for ONNX, so that what is left to compute begins with constants.
    graph_def = fold_constants(graph_def, signature)
    hidden = hide(graph_def, names)
    return imported(graph_def), hidden


def _mend(graph_def: Any, graph: Any) -> bool:
    """Write what TF.js lacks or computes wrongly in other nodes, in place."""
    changed = False
    for rewrites in MENDS:
        if rewrite(graph_def, graph, rewrites):
            graph, changed = imported(graph_def), True
    return write_padding(graph_def, graph) or changed


@contextmanager
def _own_folding(
    module: Any, outputs: Sequence[str], scaled: set[str], large: Outside
) -> Iterator[None]:
    """Let the converter call our folding where it calls its own, between its other passes.

    Args:
        scaled: where to put the names of the convolutions that folding changed.
    """
    theirs = module.fold_batch_norms

    def fold(graph_def: Any) -> Any:
        folder = BatchNormFolder(graph_def, outputs, large)
        result = folder.run()
        scaled.update(folder.scaled)
        return result

    module.fold_batch_norms = fold
    try:
        yield
    finally:
        module.fold_batch_norms = theirs


def _in_walk_order(graph_def: Any, signature: Signature) -> Any:
    """What the outputs need, by a depth-first walk, so that weights lie in layer order."""
    from tensorflow.core.framework import graph_pb2

    nodes = {node.name: node for node in graph_def.node}
    ordered: dict[str, Any] = {}
    seen: set[str] = set()
    starts = [spec.name for spec in (*signature.inputs, *signature.outputs)]
    for start in starts:
        _walk(start, nodes, ordered, seen)
    result = graph_pb2.GraphDef(node=ordered.values(), versions=graph_def.versions)
    functions = sorted(graph_def.library.function, key=lambda f: f.signature.name)
    result.library.function.extend(functions)
    for node in result.node:
        for private in [name for name in node.attr if name.startswith("_")]:
            del node.attr[private]
    return result


def _walk(start: str, nodes: dict[str, Any], ordered: dict[str, Any], seen: set[str]) -> None:
    # A stack instead of recursion: graphs are deeper than Python's limit.
    # What was seen is not entered again: TensorFlow 1 loops are cycles.
    stack = [(start, False)]
    while stack:
        name, expanded = stack.pop()
        if expanded:
            ordered[name] = nodes[name]
        if expanded or name in seen:
            continue
        seen.add(name)
        stack.append((name, True))
        for source in reversed(nodes[name].input):
            stack.append((source.lstrip("^").split(":")[0], False))


def _signature_json(signature: Signature) -> dict[str, Any]:
    from tensorflow import as_dtype

    def entry(spec: Any) -> dict[str, Any]:
        size = [{"size": str(-1 if size is None else size)} for size in spec.shape]
        return {
            "name": f"{spec.name}:0",
            "dtype": f"DT_{_type_name(as_dtype(spec.dtype))}",
            "tensorShape": {"dim": size},
        }

    return {
        side: {spec.name: entry(spec) for spec in getattr(signature, side)}
        for side in ("inputs", "outputs")
    }


def _type_name(dtype: Any) -> str:
    from tensorflow.core.framework import types_pb2

    name: str = types_pb2.DataType.Name(dtype.as_datatype_enum)
    return name.removeprefix("DT_")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _tensorflow_version() -> str:
    import tensorflow as tf

    version: str = tf.__version__
    return version


FORMAT = Format(
    name=NAME,
    options=Options,
    convert=convert,
    package=package,
    keep=keep,
)
