"""A frozen graph as converters get it: large constants outside, with what is made of them alone.

As a transposed kernel is, which a converter would fold. Here that goes one node at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.large import LargeTensors, keys_of, spill
from pipeline.graphs.tensorflow.large import Outside
from pipeline.tensors.arrays import Array

#: What may be computed from constants alone, and takes no more bytes than they do.
MOVING = frozenset(
    {
        *("Reshape", "Transpose", "Squeeze", "ExpandDims", "Cast", "Identity", "Split", "SplitV"),
        *("StridedSlice", "Slice", "ConcatV2", "Pack", "Unpack", "Neg"),
    }
)


@contextmanager
def outside(frozen: Frozen, work: Path, outputs: Collection[str]) -> Iterator[tuple[Any, Outside]]:
    """The graph of a FROZEN folder with placeholders for its large constants, and those.

    What it computes from them alone, as a transposed kernel, is computed.

    Args:
        work: where values are written meanwhile.
        outputs: names of the nodes that are results.
    """
    graph_def = frozen.outline()
    with TemporaryDirectory(dir=work, prefix=".large-") as folder:
        constants = Outside(LargeTensors(Path(folder)))
        constants.large.take(keys_of(graph_def).values(), frozen.large)
        spill(graph_def, constants.large)
        constants.hide(graph_def)
        settle(graph_def, constants, outputs)
        constants.take_in(graph_def, outputs)
        yield graph_def, constants


def settle(graph_def: Any, constants: Outside, outputs: Collection[str]) -> None:
    """Put values in the place of nodes that only move those of large constants, in place.

    Args:
        outputs: names of the nodes that are results, which stay.
    """
    small = {node.name: node for node in graph_def.node if node.op == "Const"}
    waiting = [node for node in graph_def.node if node.op in MOVING and node.name not in outputs]
    progressed = bool(constants.values)
    while progressed:
        progressed = False
        for node in list(waiting):
            sources = [source.removesuffix(":0") for source in node.input]
            readable = all(source in constants.values or source in small for source in sources)
            if readable and any(source in constants.values for source in sources):
                _put(graph_def, node, _compute(node, sources, constants, small), constants)
                small |= {node.name: node} if node.op == "Const" else {}
                waiting.remove(node)
                progressed = True


def _put(graph_def: Any, node: Any, values: list[Array], constants: Outside) -> None:
    """Put a node's outputs in its place, each in a node of its own."""
    for port, value in enumerate(values[1:], start=1):
        added = graph_def.node.add(name=f"{node.name}/output_{port}")
        constants.add(added, value)
        for reader in graph_def.node:
            for index, source in enumerate(reader.input):
                if source == f"{node.name}:{port}":
                    reader.input[index] = added.name
    constants.add(node, values[0])


def _compute(
    node: Any, sources: list[str], constants: Outside, small: dict[str, Any]
) -> list[Array]:
    """All outputs of a node."""
    import tensorflow as tf

    def value_of(source: str) -> Array:
        if source in constants.values:
            return constants.values[source]
        value: Array = tf.make_ndarray(small[source].attr["value"].tensor)
        return value

    feeds = {f"i{index}": value_of(source) for index, source in enumerate(sources)}
    graph_def = tf.compat.v1.GraphDef()
    for name, value in feeds.items():
        added = graph_def.node.add(name=name, op="Placeholder")
        added.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    copy = graph_def.node.add()
    copy.CopyFrom(node)
    copy.name = "node"
    copy.input[:] = list(feeds)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        outputs = graph.get_operation_by_name("node").outputs
        with tf.compat.v1.Session(graph=graph) as session:
            values: list[Array] = session.run(outputs, {f"{k}:0": v for k, v in feeds.items()})
    return values
