"""Writes a TFLite file's graph as a frozen graph of TensorFlow."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tflite.call import Call, UnsupportedError, Write
from pipeline.graphs.tflite.model import Model, Operator
from pipeline.graphs.tflite.operators import (
    convolutions,
    elementwise,
    mediapipe,
    reductions,
    shapes,
)
from pipeline.graphs.tflite.stored import dequantize, is_real
from pipeline.tensors.arrays import Array

#: Operators by the schema's names, custom ones by their own.
OPERATORS: Mapping[str, Write] = {
    **convolutions.OPERATORS,
    **elementwise.OPERATORS,
    **mediapipe.OPERATORS,
    **reductions.OPERATORS,
    **shapes.OPERATORS,
}

#: No tensor of a sample may take more, nor all constants together: a file of few bytes could ask
#: for any size.
MOST_BYTES = 2**31

_CUT = "cut in front of it with source.outputs, which takes names of tensors as Netron shows them"


@dataclass
class Graph:
    """A frozen graph, and what its ends are called in it."""

    graph_def: Any
    inputs: dict[str, str]
    """Public name -> placeholder."""
    outputs: dict[str, str]
    """Public name -> tensor."""
    nodes: Sequence[Operator]
    """What it was made of."""


def write(model: Model, outputs: Mapping[str, int], where: str) -> Graph:
    """The graph that gives these tensors.

    Args:
        outputs: name -> index of the tensor.
        where: what errors call the file.

    Raises:
        SourceError: it holds operators that are not covered (all are listed), or contradicts
            itself.
    """
    import tensorflow as tf

    needed = _needed(model, outputs.values())
    _check_covered(model, needed, where)
    graph = tf.Graph()
    with graph.as_default():
        writer = _Writer(model, where)
        for name, index in model.inputs.items():
            writer.add_input(name, index)
        for node in needed:
            writer.add(node)
        ends = {name: writer.tensor(index) for name, index in outputs.items()}
    graph_def = graph.as_graph_def()
    names = _name_nodes(graph_def, model, writer.tensors)
    return Graph(
        graph_def,
        {name: names[writer.tensors[index].op.name] for name, index in model.inputs.items()},
        {name: _renamed(tensor.name, names) for name, tensor in ends.items()},
        needed,
    )


def _needed(model: Model, outputs: Iterable[int]) -> list[Operator]:
    """The nodes that these tensors are computed by, in the file's order, which runtimes follow."""
    tensors, needed = set(outputs), []
    for node in reversed(model.operators):
        if tensors.intersection(node.outputs):
            tensors.update(node.inputs)
            needed.append(node)
    return needed[::-1]


def _check_covered(model: Model, nodes: Sequence[Operator], where: str) -> None:
    """Say what is not covered, all of it at once."""
    first: dict[str, Operator] = {}
    for node in nodes:
        if node.kind not in OPERATORS:
            first.setdefault(node.kind, node)
    if first:
        counts = {kind: sum(node.kind == kind for node in nodes) for kind in first}
        listed = ", ".join(
            f"{kind} ({_label(model, node)}{f' and {counts[kind] - 1} more' * (counts[kind] > 1)})"
            for kind, node in first.items()
        )
        raise SourceError(f"operators that cannot be converted: {listed}", where=where, todo=_CUT)


def _label(model: Model, node: Operator) -> str:
    """What a node is called: as its first output."""
    name = model.tensors[node.outputs[0]].name if node.outputs else ""
    return name or f"node {node.index}"


@dataclass
class _Writer:
    """A graph that is being written."""

    model: Model
    where: str
    tensors: dict[int, Any] = field(default_factory=dict)
    """Index -> symbolic tensor, of what has been written."""
    _unpacked: dict[int, Array] = field(default_factory=dict)
    """Index -> constant, of what nodes unpack."""
    _bytes: int = 0

    def add_input(self, name: str, index: int) -> None:
        import tensorflow as tf

        tensor = self.model.tensors[index]
        dtype = "float32" if is_real(tensor) else tensor.dtype
        try:
            self.tensors[index] = tf.compat.v1.placeholder(dtype, tensor.shape)
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"the input {name!r} is of the type {dtype}, which pages have not",
                where=self.where,
            ) from error
        self._check_size(self.tensors[index], name)

    def add(self, node: Operator) -> None:
        """Write one node."""
        import tensorflow as tf

        from pipeline.graphs.tflite.operators.elementwise import activate

        label = _label(self.model, node)
        if self._unpack(node):
            return
        with tf.name_scope(_node_name(label)):
            try:
                call = self._call(node)
                results = OPERATORS[node.kind](call)
                results = list(results) if isinstance(results, list | tuple) else [results]
                if hasattr(node.options, "FusedActivationFunction"):
                    number = node.options.FusedActivationFunction()
                    results = [activate(number, result) for result in results]
            except UnsupportedError as error:
                raise SourceError(
                    f"{node.kind} ({label}) {error} cannot be converted",
                    where=self.where,
                    todo=_CUT,
                ) from error
            except SourceError:
                raise
            except Exception as error:  # whatever a damaged file makes TensorFlow raise
                raise self._damaged(
                    f"{node.kind} ({label}) does not fit its inputs ({reason_of(error)})"
                ) from error
        for index, result in zip(node.outputs, results, strict=False):
            self._check_size(result, label)
            self.tensors[index] = result

    def _unpack(self, node: Operator) -> bool:
        """Keep weights that a node makes dense or float32 as constants, which they are here."""
        if node.kind not in ("DENSIFY", "DEQUANTIZE") or not node.inputs or not node.outputs:
            return False
        values = self._constant(node.inputs[0]) if node.inputs[0] >= 0 else None
        if values is not None:
            self._unpacked[node.outputs[0]] = values
        return values is not None

    def _call(self, node: Operator) -> Call:
        inputs = [None if index < 0 else self.tensor(index) for index in node.inputs]
        constants = [None if index < 0 else self._constant(index) for index in node.inputs]
        outputs = [self.model.tensors[index] for index in node.outputs]
        if not outputs:
            raise ValueError("it gives nothing")
        return Call(node, inputs, constants, outputs)

    def tensor(self, index: int) -> Any:
        """A tensor that was written, or a constant.

        Raises:
            SourceError: it is neither.
        """
        import tensorflow as tf

        if index not in self.tensors:
            values = self._constant(index)
            if values is None:
                raise self._damaged(f"nothing gives {self.model.tensors[index].name!r}")
            self._bytes += values.nbytes
            if self._bytes > MOST_BYTES:
                raise self._too_large("its constants take")
            self.tensors[index] = tf.constant(values)
        return self.tensors[index]

    def _constant(self, index: int) -> Array | None:
        if index in self._unpacked:
            return self._unpacked[index]
        tensor = self.model.tensors[index]
        if tensor.values is None or not is_real(tensor):
            return tensor.values
        return dequantize(tensor.values, tensor.quantization)

    def _check_size(self, tensor: Any, label: str) -> None:
        count = math.prod(size or 1 for size in tensor.shape) if tensor.shape.rank else 1
        if count * tensor.dtype.size > MOST_BYTES:
            raise self._too_large(f"{label!r} takes")

    def _damaged(self, what: str) -> SourceError:
        return SourceError(
            f"this TFLite file is damaged: {what}", where=self.where, todo="get the file again"
        )

    def _too_large(self, what: str) -> SourceError:
        return SourceError(f"refused: {what} more than {MOST_BYTES:,} bytes", where=self.where)


def _node_name(name: str) -> str:
    """A name that TensorFlow takes: of several that a converter joined, the last."""
    clean = re.sub(r"[^A-Za-z0-9_.\\/>-]+", "_", name.rpartition(";")[2] or name)
    return clean.strip("_/-\\>") or "tensor"


def _name_nodes(graph_def: Any, model: Model, tensors: Mapping[int, Any]) -> dict[str, str]:
    """Call nodes as the file calls what they give; returns old name -> new name."""
    names = {node.name: node.name for node in graph_def.node}
    taken: set[str] = set()
    named: set[str] = set()
    for index, tensor in sorted(tensors.items()):
        name = _node_name(model.tensors[index].name)
        old = tensor.op.name
        if old not in named:
            names[old] = _free(name, taken | (names.keys() - {old}))
            taken.add(names[old])
            named.add(old)
    for node in graph_def.node:
        node.name = names[node.name]
        node.input[:] = [_renamed(source, names) for source in node.input]
    return names


def _free(name: str, taken: Collection[str]) -> str:
    unique, count = name, 1
    while unique in taken:
        unique, count = f"{name}_{count}", count + 1
    return unique


def _renamed(tensor: str, names: Mapping[str, str]) -> str:
    control, bare = tensor[: tensor[0] == "^"], tensor.lstrip("^")
    node, colon, port = bare.partition(":")
    return f"{control}{names[node]}{colon}{port}"


def find(model: Model, name: str) -> int | None:
    """The tensor of a name, as the file or the graph calls it."""
    for index, tensor in enumerate(model.tensors):
        if name.removesuffix(":0") in (tensor.name, _node_name(tensor.name)):
            return index
    return None
