"""A frozen graph that can be read and changed: nodes, who reads them, constants, shapes."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.artifacts.frozen import Frozen
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature


class Network:
    """A GraphDef and its signature. Names are those of nodes: their first output is meant."""

    def __init__(self, graph_def: Any, signature: Signature) -> None:
        self.graph_def, self.signature = graph_def, signature
        self.nodes: dict[str, Any] = {node.name: node for node in graph_def.node}
        self.readers: dict[str, list[tuple[Any, int]]] = defaultdict(list)
        for node in graph_def.node:
            for index, source in enumerate(node.input):
                self.readers[base(source)].append((node, index))

    @classmethod
    def read(cls, frozen: Frozen) -> Network:
        """Of a FROZEN folder, its batch norms, scales and offsets folded into convolutions.

        Every converter folds them, and would move weights off the grid that they are put on.
        """
        from pipeline.graphs.tensorflow.constants import fold_constants
        from pipeline.graphs.tensorflow.fold import BatchNormFolder

        graph_def, signature = frozen.graph_def(), frozen.signature
        fold_constants(graph_def)
        outputs = [spec.name for spec in signature.outputs]
        return cls(BatchNormFolder(graph_def, outputs).run(), signature)

    def write(self, frozen: Frozen, work: Path) -> None:
        """A FROZEN folder with this graph, and all else as in ``frozen``."""
        ordered = self.in_order()
        del self.graph_def.node[:]
        self.graph_def.node.extend(ordered)
        Frozen(work).write_changed(self.graph_def, frozen)

    def in_order(self) -> list[Any]:
        """Inputs and what outputs need, each node behind those that it reads."""
        ordered: dict[str, Any] = {}
        seen: set[str] = set()
        ends = [spec.name for spec in (*self.signature.inputs, *self.signature.outputs)]
        # A stack instead of recursion: graphs are deeper than Python's limit. What was seen is
        # not entered again: TensorFlow 1 loops are cycles.
        stack = [(name, False) for name in reversed(ends)]
        while stack:
            name, done = stack.pop()
            if done:
                ordered[name] = self.nodes[name]
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                sources = [base(source) for source in self.nodes[name].input]
                stack.extend((source, False) for source in reversed(sources))
        return list(ordered.values())

    def constant(self, name: str) -> Array | None:
        """The value of a constant; ``None`` where the node computes something."""
        from tensorflow import make_ndarray

        node = self.nodes[base(name)]
        while node.op == "Identity":
            node = self.nodes[base(node.input[0])]
        if node.op != "Const":
            return None
        value: Array = make_ndarray(node.attr["value"].tensor)
        return value

    def value(self, name: str) -> Array:
        """The value of what is known to be a constant."""
        value = self.constant(name)
        if value is None:
            raise TypeError(f"{name} is no constant")
        return value

    def set_input(self, node: Any, index: int, value: Array) -> None:
        """Let a node read this value at this place, and nothing else read it."""
        from tensorflow import make_tensor_proto

        source = self.nodes[base(node.input[index])]
        if source.op != "Const" or len(self.readers[source.name]) > 1:
            source = self._private(node, index)
        source.attr["value"].tensor.CopyFrom(make_tensor_proto(value))
        source.attr["dtype"].type = source.attr["value"].tensor.dtype

    def _private(self, node: Any, index: int) -> Any:
        name = f"{node.name}/input_{index}"
        while name in self.nodes:
            name += "_"
        added = self.graph_def.node.add(name=name, op="Const")
        self.readers[base(node.input[index])].remove((node, index))
        self.readers[name].append((node, index))
        node.input[index] = name
        self.nodes[name] = added
        return added

    @cached_property
    def _shapes(self) -> dict[str, tuple[int | None, ...] | None]:
        import tensorflow as tf

        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(self.graph_def, name="")
        shapes: dict[str, tuple[int | None, ...] | None] = {}
        for operation in graph.get_operations():
            for output in operation.outputs:
                shape = output.shape
                shapes[output.name] = None if shape.rank is None else tuple(shape.as_list())
        return shapes

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """What is known of a tensor's shape before the graph runs."""
        return self._shapes.get(tensor(name))


def base(name: str) -> str:
    """The node that an input names: ``a:1`` and ``^a`` are of ``a``."""
    return name.lstrip("^").split(":")[0]


def tensor(name: str) -> str:
    """The full name of a tensor: ``a`` is ``a:0``."""
    return name if ":" in name else f"{name}:0"
