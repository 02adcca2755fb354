"""tf2onnx as a library, on a frozen graph whose constants are folded beforehand.

tf2onnx computes each constant node in a TensorFlow session of its own and copies
all weights before each of its optimizers. On MobileNet v1 224 that is four
fifths of its time; folding all constants in one session, and letting tf2onnx
copy only if an optimizer fails, gives the same graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of
from pipeline.export.onnx.merges import watch_merges
from pipeline.graphs.tensorflow.canonical_graph import all_nodes
from pipeline.graphs.tensorflow.computed import constant_bytes, stay_computed
from pipeline.graphs.tensorflow.constants import make_constant
from pipeline.tensors.signature import Signature

NEWEST_TF2ONNX_OPSET = 18

PASSES_ON = ("CheckNumerics", "Print", "PreventGradient", "Snapshot", "StopGradient")


def convert(
    graph_def: Any,
    signature: Signature,
    opset: int,
    merged: dict[str, str] | None = None,
    held: Sequence[str] = (),
) -> Any:
    """An ``onnx.ModelProto`` whose inputs and outputs bear the signature's names.

    Args:
        graph_def: frozen; placeholders and output nodes are named as in ``signature``.
        merged: where to put tensor -> the tensor whose value it has in spite of its name.
        held: placeholders that stand for large constants, and stay inputs.

    Raises:
        PipelineError: tf2onnx cannot convert the graph.
    """
    from onnx import helper, version_converter

    folded = fold_constants(_without_debug(graph_def), signature)
    merged = {} if merged is None else merged
    known_opset = min(opset, NEWEST_TF2ONNX_OPSET)
    with _quiet():
        try:
            with watch_merges(merged):
                model = _convert(folded, signature, known_opset, held, careful=False)
        except Exception:
            merged.clear()
            # An optimizer of tf2onnx may fail; this way it goes on without that one.
            model = _convert_carefully(folded, signature, known_opset, held)
    _refuse_foreign(model)
    if opset > NEWEST_TF2ONNX_OPSET:
        model = version_converter.convert_version(model, opset)
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    return model


def _convert_carefully(
    graph_def: Any, signature: Signature, opset: int, held: Sequence[str]
) -> Any:
    try:
        return _convert(graph_def, signature, opset, held, careful=True)
    except Exception as error:
        reason = reason_of(error)
        raise PipelineError(
            f"tf2onnx cannot convert this model to ONNX opset {opset}: {reason}",
            todo="try another opset, or leave onnx out of export",
        ) from error


def _convert(
    graph_def: Any, signature: Signature, opset: int, held: Sequence[str], *, careful: bool
) -> Any:
    import tensorflow as tf
    from tf2onnx import optimizer
    from tf2onnx.tfonnx import process_tf_graph

    inputs = [f"{name}:0" for name in (*(spec.name for spec in signature.inputs), *held)]
    outputs = [f"{spec.name}:0" for spec in signature.outputs]
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        computed = stay_computed(graph, {name[:-2] for name in outputs})
        # The careful way is for graphs that fail; it takes no risk with these either.
        with _computations_stay(set() if careful else computed):
            onnx_graph = process_tf_graph(
                graph,
                opset=opset,
                input_names=inputs,
                output_names=outputs,
                tensors_to_rename={name: name[:-2] for name in (*inputs, *outputs)},
            )
            with all_changes_count(), nullcontext() if careful else _weights_stay():
                onnx_graph = optimizer.optimize_graph(onnx_graph, catch_errors=careful)
        return onnx_graph.make_model("")


@contextmanager
def _computations_stay(names: set[str]) -> Iterator[None]:
    """Let tf2onnx fold no operation of these names, neither TensorFlow's nor those made of them."""
    from tf2onnx import tfonnx
    from tf2onnx.optimizer.const_fold_optimizer import ConstFoldOptimizer

    original, fold_node = tfonnx.compute_const_folding_using_tf, ConstFoldOptimizer._fold_node

    def compute(graph: Any, values: Any, outputs: Any) -> Any:
        # What is a result, it leaves.
        return original(graph, values, [*outputs, *(f"{name}:0" for name in names)])

    def fold(self: Any, node: Any, graph: Any) -> bool:
        return node.name not in names and bool(fold_node(self, node, graph))

    tfonnx.compute_const_folding_using_tf = compute
    ConstFoldOptimizer._fold_node = fold
    try:
        yield
    finally:
        tfonnx.compute_const_folding_using_tf = original
        ConstFoldOptimizer._fold_node = fold_node


@contextmanager
def all_changes_count() -> Iterator[None]:
    """Let tf2onnx's optimizers go round until none of them finds anything.

    The one that joins neighbours does not tell that it did. What it leaves to the others they then
    find only where another one told of a change in the same round, and whether it does hangs on
    the order of a set: about one graph in 140 kept a shape that it could have as a constant.
    """
    from tf2onnx.optimizer.back_to_back_optimizer import BackToBackOptimizer

    original = BackToBackOptimizer._optimize_at_current_graph_level

    def optimize(self: Any, graph: Any) -> Any:
        before = len(graph.get_nodes())
        graph = original(self, graph)
        self.graph_been_opt |= len(graph.get_nodes()) < before
        return graph

    BackToBackOptimizer._optimize_at_current_graph_level = optimize
    try:
        yield
    finally:
        BackToBackOptimizer._optimize_at_current_graph_level = original


@contextmanager
def _weights_stay() -> Iterator[None]:
    """Spare constants the copy into a NodeProto that each optimizer ends with.

    ``make_model`` never reads it: it takes a constant's tensor from the node's attributes.
    """
    from tf2onnx.graph import Node

    original = Node.update_proto

    def update_proto(self: Any, external_tensor_storage: Any = None) -> None:
        if not self.is_const():
            original(self, external_tensor_storage)

    Node.update_proto = update_proto
    try:
        yield
    finally:
        Node.update_proto = original


@contextmanager
def _quiet() -> Iterator[None]:
    import logging

    # tf2onnx sets the levels of its own loggers when it is imported; a disabled level wins.
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _refuse_foreign(model: Any) -> None:
    """tf2onnx only logs what it could not map, and leaves TensorFlow's operator in the graph."""
    from onnx import defs

    from pipeline.graphs.onnx import canonical

    foreign = sorted(
        {n.op_type for n in canonical.all_nodes(model.graph) if not defs.has(n.op_type, n.domain)}
    )
    if foreign:
        raise PipelineError(
            f"tf2onnx left operators that ONNX does not have: {', '.join(foreign)}",
            todo="try another opset, or leave onnx out of export",
        )


def _without_debug(graph_def: Any) -> Any:
    """What only watches a value or stops its gradient becomes Identity, in functions too."""
    result = type(graph_def)()
    result.CopyFrom(graph_def)
    for node in all_nodes(result):
        if node.op in PASSES_ON:
            first, kind = node.input[0], node.attr["T"].type
            node.ClearField("input")
            node.ClearField("attr")
            node.op = "Identity"
            node.input.append(first)
            node.attr["T"].type = kind
    return result


def fold_constants(graph_def: Any, signature: Signature) -> Any:
    """A GraphDef in which what depends on constants alone is a constant.

    One session computes all of them. Random, stateful and control-flow nodes, nodes with
    control inputs, outputs, and what is cheap to compute from far less stay.
    """
    import tensorflow as tf

    if not _computes_constants(graph_def):
        return graph_def
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        frontier = _frontier(graph, {spec.name for spec in signature.outputs})
        if not frontier:
            return graph_def
        with tf.compat.v1.Session(graph=graph) as session:
            values = session.run(frontier)
    constants = dict(zip((tensor.op.name for tensor in frontier), values, strict=True))
    return _needed(_replace(graph_def, constants), signature)


def _computes_constants(graph_def: Any) -> bool:
    """Whether any node depends on constants alone; found without building the graph."""
    constants = {node.name for node in graph_def.node if node.op == "Const"}
    return any(node.input and constants.issuperset(node.input) for node in graph_def.node)


def _frontier(graph: Any, outputs: set[str]) -> list[Any]:
    """Computed constants that something which is not constant reads, in graph order."""
    sizes: dict[str, int] = {}
    operations = graph.get_operations()
    computed = stay_computed(graph, outputs)
    for operation in operations:
        size = constant_bytes(operation, sizes, outputs | computed)
        if size is not None:
            sizes[operation.name] = size
    read = {
        tensor.op.name
        for operation in operations
        if operation.name not in sizes
        for tensor in operation.inputs
    }
    return [
        operation.outputs[0]
        for operation in operations
        if operation.name in sizes and operation.name in read and operation.type != "Const"
    ]


def _replace(graph_def: Any, values: dict[str, Any]) -> Any:
    import tensorflow as tf

    result = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        value = values.get(node.name)
        if value is None:
            result.node.append(node)
            continue
        make_constant(result.node.add(name=node.name), value)
    return result


def _needed(graph_def: Any, signature: Signature) -> Any:
    """Inputs, and what the outputs need: what was folded away is computed by nothing now."""
    nodes = {node.name: node for node in graph_def.node}
    needed = {spec.name for spec in signature.inputs}
    waiting = [spec.name for spec in signature.outputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [source.lstrip("^").split(":")[0] for source in nodes[name].input]
    result = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in needed)
    return result
