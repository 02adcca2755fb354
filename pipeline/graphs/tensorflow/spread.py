"""Writes operators that a runtime lacks in ones that all have: the same numbers, of other nodes.

- A called function that XLA was to compile, as Keras wraps a convolution with groups, stands in
  the graph itself.
- ``Erfc``, ``Expm1``, ``Log1p``, ``Softsign``, ``Bucketize`` and resizings that ONNX or TF.js lacks
  are what ``lacking`` makes of them.
- A ``Conv3D`` with groups is one for each of them: tf2onnx forgets the groups, TF.js has none.
- Complex numbers are pairs of real ones, and Fourier transforms products with cosines and sines.
- ``Einsum``, of which Keras' attention is made, is transposes, reshapes and one ``MatMul``: TF.js'
  wasm backend has no kernel for it, and int8 none in ONNX Runtime.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.graphs.tensorflow import groups, lacking
from pipeline.graphs.tensorflow.bodies import change_bodies
from pipeline.graphs.tensorflow.calls import CALLS, write_calls
from pipeline.graphs.tensorflow.canonical_graph import all_nodes
from pipeline.graphs.tensorflow.pairs import write_pairs
from pipeline.graphs.tensorflow.spectra import REAL
from pipeline.graphs.tensorflow.splicing import Build, Rewrite, imported, rewrite

#: An equation of two operands that have each label once; what has others stays as it is.
EQUATION = re.compile(r"(\w+),(\w+)->(\w*)")


def spread(graph_def: Any) -> Any:
    """The same graph with as few as possible of what runtimes lack, in bodies too."""
    if any(node.op in CALLS for node in graph_def.node):
        graph_def = inlined(graph_def)
    operators = REWRITES.keys() | REAL
    if operators & {node.op for node in all_nodes(graph_def)}:
        graph = imported(graph_def)
        change_bodies(graph_def, graph, operators, _write)
        _write(graph_def, graph)
    return graph_def


def _write(graph_def: Any, graph: Any) -> bool:
    changed = write_pairs(graph_def, graph)
    return rewrite(graph_def, imported(graph_def) if changed else graph, REWRITES) or changed


def inlined(graph_def: Any) -> Any:
    """Grappler leaves a call alone that is to be compiled, or that is not to be inlined."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer

    for node in all_nodes(graph_def):
        node.attr.pop("_XlaMustCompile", None)
        node.attr.pop("_noinline", None)
    for function in graph_def.library.function:
        function.attr.pop("_XlaMustCompile", None)
        function.attr.pop("_noinline", None)
    graph = imported(graph_def)
    # Grappler keeps what is to be fetched: of a frozen graph that is what nothing reads.
    read = {source.lstrip("^").split(":")[0] for node in graph_def.node for source in node.input}
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.optimizers.append("function")
    options.function_optimization = rewriter_config_pb2.RewriterConfig.AGGRESSIVE
    options.min_graph_nodes = -1
    meta = tf.compat.v1.train.export_meta_graph(graph_def=graph_def, graph=graph)
    ends = meta.collection_def["train_op"].node_list.value
    ends.extend(node.name for node in graph_def.node if node.name not in read)
    optimized = tf_optimizer.OptimizeGraph(config, meta)
    write_calls(optimized)
    return optimized


def _einsum_of(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    equation = _equation(node)
    return _einsum(*equation) if equation else None


def _equation(node: Any) -> tuple[str, str, str] | None:
    """The labels of both operands and of the result, where they are of the usual kind."""
    match = EQUATION.fullmatch(node.attr["equation"].s.decode())
    if match is None or any(len(set(labels)) < len(labels) for labels in match.groups()):
        return None
    left, right, result = match.groups()
    return (left, right, result) if set(result) <= {*left, *right} else None


def _einsum(left: str, right: str, result: str) -> Build:
    """``Einsum`` of two operands as one ``MatMul``.

    Labels of both and of the result count batches, labels of both alone are summed over; each
    other one belongs to one operand.
    """
    import tensorflow as tf

    batch = [label for label in result if label in left and label in right]
    summed = [label for label in left if label in right and label not in result]
    rows = [label for label in left if label in result and label not in right]
    columns = [label for label in right if label in result and label not in left]

    def build(a: Any, b: Any) -> Any:
        sizes = _sizes(left, a) | _sizes(right, b)
        a = _ordered(_reduced(a, left, batch + rows + summed), batch, rows, summed, sizes)
        b = _ordered(_reduced(b, right, batch + summed + columns), batch, summed, columns, sizes)
        labels = [*batch, *rows, *columns]
        product = tf.matmul(a, b)
        if len(rows) != 1 or len(columns) != 1:
            product = tf.reshape(product, _shape(labels, sizes))
        order = [labels.index(label) for label in result]
        return product if order == sorted(order) else tf.transpose(product, order)

    return build


def _sizes(labels: str, tensor: Any) -> dict[str, Any]:
    """The size of each label: a number, or a tensor where it is only known when it runs."""
    import tensorflow as tf

    tensor.set_shape([None] * len(labels))
    sizes = tensor.shape.as_list()
    if None not in sizes:
        return dict(zip(labels, sizes, strict=True))
    shape = tf.shape(tensor)
    return {
        label: shape[axis] if size is None else size
        for axis, (label, size) in enumerate(zip(labels, sizes, strict=True))
    }


def _reduced(tensor: Any, labels: str, order: Sequence[str]) -> Any:
    """The axes in an order; those that it does not name are summed over."""
    import tensorflow as tf

    gone = [axis for axis, label in enumerate(labels) if label not in order]
    staying = [label for label in labels if label in order]
    tensor = tf.reduce_sum(tensor, gone) if gone else tensor
    axes = [staying.index(label) for label in order]
    return tensor if axes == sorted(axes) else tf.transpose(tensor, axes)


def _ordered(
    tensor: Any, batch: Sequence[str], rows: Sequence[str], columns: Sequence[str], sizes: Any
) -> Any:
    """A matrix of each of a batch."""
    import tensorflow as tf

    if len(rows) == len(columns) == 1:
        return tensor
    shape = [sizes[label] for label in batch]
    shape += [_product(rows, sizes), _product(columns, sizes)]
    return tf.reshape(tensor, _packed(shape))


def _shape(labels: Sequence[str], sizes: Mapping[str, Any]) -> Any:
    return _packed([sizes[label] for label in labels])


def _packed(sizes: Sequence[Any]) -> Any:
    """A shape; where only one size is not known before, -1 says it without a node."""
    import tensorflow as tf

    unknown = [index for index, size in enumerate(sizes) if not isinstance(size, int)]
    if len(unknown) > 1:
        return tf.stack([*sizes])
    return [-1 if index in unknown else size for index, size in enumerate(sizes)]


def _product(labels: Sequence[str], sizes: Mapping[str, Any]) -> Any:
    product: Any = 1
    for label in labels:
        product = product * sizes[label]
    return product


REWRITES: dict[str, Rewrite] = {
    "Bucketize": lacking.bucketize,
    "Conv3D": groups.split,
    "Einsum": _einsum_of,
    "Erfc": lacking.erfc,
    "Expm1": lacking.expm1,
    "Log1p": lacking.log1p,
    "ResizeArea": lacking.resized,
    "ResizeBicubic": lacking.resized,
    "ScaleAndTranslate": lacking.resized,
    "Softsign": lacking.softsign,
}
