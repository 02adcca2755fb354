"""A graph's large constants while it is converted or run: placeholders stand for them.

So no pass copies their values, and none folds them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from pipeline.artifacts.large import ATTRIBUTE, LargeTensors, array_of, is_large, key_of, point
from pipeline.graphs.tensorflow.constants import make_constant
from pipeline.tensors.arrays import Array

#: What reads a placeholder as it reads a constant, in TensorFlow and in both converters.
READERS = frozenset(
    {
        *("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv3D"),
        *("Conv2DBackpropInput", "Gather", "GatherV2", "Add", "AddV2", "Mul", "Sub"),
    }
)


@dataclass
class Outside:
    """The large constants of one graph: where their values lie, by name."""

    large: LargeTensors
    keys: dict[str, str] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)

    def hide(self, graph_def: Any) -> None:
        """Put placeholders in the place of large constants, in place."""
        for node in graph_def.node:
            if ATTRIBUTE in node.attr:
                self.keys[node.name], self.values[node.name] = (
                    key_of(node),
                    array_of(node, self.large),
                )
                _make_placeholder(node, self.values[node.name])

    def add(self, node: Any, value: Array) -> None:
        """Let a node, whatever it was, be a constant; a placeholder where that is large."""
        if not is_large(value.nbytes):
            make_constant(node, value)
            return
        key = self.keys[node.name] = self.large.keep(value)
        self.values[node.name] = self.large.read(key, value.dtype, value.shape)
        _make_placeholder(node, value)

    def restore(self, graph_def: Any) -> None:
        """Put constants without their values in the place of placeholders, in place."""
        for node in graph_def.node:
            if node.name in self.values and node.op == "Placeholder":
                tensor = node.attr["value"].tensor
                tensor.dtype = node.attr["dtype"].type
                tensor.tensor_shape.CopyFrom(node.attr["shape"].shape)
                del node.attr["shape"]
                node.op = "Const"
                point(node, self.keys[node.name])

    def take_in(self, graph_def: Any, outputs: Collection[str]) -> None:
        """Put those back, with their values, that loops or functions read, or that are results.

        What nothing reads any more is dropped.
        """
        readers = defaultdict(set)
        for node in graph_def.node:
            for source in node.input:
                readers[source.lstrip("^").split(":")[0]].add(node.op)
        for node in [node for node in graph_def.node if node.name in self.values]:
            read = {*readers[node.name], *(["a result"] if node.name in outputs else [])}
            if not read:
                del self.values[node.name]
                graph_def.node.remove(node)
            elif not read <= READERS:
                make_constant(node, self.values.pop(node.name))


def _make_placeholder(node: Any, value: Array) -> None:
    from tensorflow import TensorShape, as_dtype

    name = node.name
    node.Clear()
    node.name, node.op = name, "Placeholder"
    node.attr["dtype"].type = as_dtype(value.dtype).as_datatype_enum
    node.attr["shape"].shape.CopyFrom(TensorShape(value.shape).as_proto())
