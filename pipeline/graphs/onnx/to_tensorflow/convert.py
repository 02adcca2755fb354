"""An ONNX model as a graph of TensorFlow's operators."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.reasons import reason_of
from pipeline.graphs.onnx.to_tensorflow import operators as families
from pipeline.graphs.onnx.to_tensorflow.node import OPERATORS, Node, Operator, UncoveredError
from pipeline.graphs.onnx.to_tensorflow.outline import Outline, as_text, needed, read_by
from pipeline.graphs.onnx.to_tensorflow.sizes import sizes_of
from pipeline.graphs.onnx.to_tensorflow.value import Value
from pipeline.graphs.onnx.to_tensorflow.weights import array_of
from pipeline.tensors.arrays import np

#: So many nodes are named in an error.
NAMED = 8

#: An operator whose graphs within are looked at when its condition is known.
BRANCH = "If"

#: Computed here where all inputs are constants, but for what is chosen by chance.
_CHANCE = re.compile("Random.*|Multinomial|Bernoulli")


@dataclass(frozen=True)
class Imported:
    """A model as a graph."""

    graph_def: Any
    inputs: dict[str, str]
    """ONNX's name -> placeholder, in the model's order."""
    outputs: dict[str, str]
    """ONNX's name -> tensor."""


@cache
def operators() -> Mapping[str, Operator]:
    """ONNX's operators that are converted."""
    for module in pkgutil.iter_modules(families.__path__):
        import_module(f"{families.__name__}.{module.name}")
    return OPERATORS


def convert(outline: Outline, folder: Path | None, outputs: Sequence[str]) -> Imported:
    """Build the graph that gives these tensors.

    Args:
        folder: where files of weights lie.
        outputs: names of tensors.

    Raises:
        SourceError: nodes that are not converted, all of them.
    """
    import tensorflow as tf

    with as_text(), tf.Graph().as_default() as graph:
        nodes = sort_needed(outline, outputs)
        check_known(nodes)
        builder = _Builder(outline, folder)
        for node in nodes:
            builder.add(node)
        builder.tell()
        ends = {name: builder.end(name) for name in outputs}
        kept = [*builder.placeholders.values(), *(tensor.split(":")[0] for tensor in ends.values())]
        graph_def = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), kept)
    return Imported(graph_def, builder.placeholders, ends)


def sort_needed(outline: Outline, outputs: Sequence[str]) -> list[Any]:
    """Nodes that these tensors are computed of, each after those that it reads.

    Raises:
        SourceError: they go in circles.
    """
    nodes = {id(node): node for node in needed(outline.model.graph, outputs)}
    makers = {name: key for key, node in nodes.items() for name in node.output if name}
    before = {
        key: [makers[name] for name in read_by(node) if name in makers]
        for key, node in nodes.items()
    }
    try:
        return [nodes[key] for key in TopologicalSorter(before).static_order()]
    except CycleError as error:
        raise SourceError("the graph goes in circles", where="onnx") from error


def check_known(nodes: Sequence[Any]) -> None:
    """Refuse nodes that are not converted.

    Raises:
        SourceError: there are some; it names them.
    """
    unknown: dict[str, list[str]] = {}
    for node in nodes:
        name = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        if name not in operators() and name != BRANCH:
            unknown.setdefault(name, []).append(label(node))
    if unknown:
        named = [f"{name} at {_listed(where)}" for name, where in sorted(unknown.items())]
        raise SourceError(
            f"operators that are not converted to TensorFlow: {'; '.join(named[:NAMED])}"
            + (f"; and {len(named) - NAMED} more" if named[NAMED:] else ""),
            where="onnx",
            todo="name tensors before them under source.outputs, so that they fall away, or let "
            "export have onnx alone, which takes an ONNX model as it is",
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2} more" if names[2:] else ""
    return ", ".join(repr(name) for name in names[:2]) + more


def label(node: Any) -> str:
    """What a person calls a node: its name, or what it gives."""
    name: str = node.name or next((name for name in node.output if name), node.op_type)
    return name


class _Builder:
    """Makes tensors, node by node, in the graph that is the default one."""

    def __init__(self, outline: Outline, folder: Path | None) -> None:
        self._outline, self._folder = outline, folder
        self._values: dict[str, Value] = {}
        self._refused: list[str] = []
        self._lost: set[str] = set()
        self.placeholders: dict[str, str] = {}
        self._place()

    def _place(self) -> None:
        import tensorflow as tf
        from onnx import helper

        for index, value in enumerate(self._outline.model.graph.input):
            kind = value.type.tensor_type
            if value.name in self._outline.tensors:
                continue  # a default, which is what counts
            if not kind.HasField("shape") or kind.elem_type in (0, 8):
                raise SourceError(
                    f"the input {value.name!r} is no tensor of numbers with a known number of axes",
                    where="onnx",
                    todo="export the model with shapes of its inputs",
                )
            sizes = [dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
            placeholder = tf.compat.v1.placeholder(dtype, sizes, name=f"input_{index}")
            wide = placeholder.dtype == tf.int64
            # Whole numbers are computed in 32 bits, as TF.js has them.
            taken = tf.cast(placeholder, tf.int32) if wide else placeholder
            self._values[value.name] = Value(taken)
            self.placeholders[value.name] = placeholder.op.name

    def _input(self, name: str) -> Value | None:
        if not name:
            return None
        if name not in self._values:
            tensor = self._outline.tensors.get(name)
            if tensor is None:
                raise ValueError(f"nothing gives its input {name!r}")
            self._values[name] = Value(constant=array_of(tensor, self._folder))
        return self._values[name]

    def add(self, node: Any) -> None:
        """Make what a node gives; one that cannot be made is told of at the end."""
        if self._lost & set(node.input):
            self._lost |= set(node.output)
            return
        try:
            inputs = [self._input(name) for name in node.input]
            made = self._taken if node.op_type == BRANCH else self._made
            results = made(Node(node, inputs, self._outline.opset, self._outline.shapes))
        except PipelineError:
            raise
        except UncoveredError as reason:
            self._refuse(node, f"{reason} is not converted")
        except Exception as error:  # whatever a crafted node makes of Python or TensorFlow
            self._refuse(node, reason_of(error))
        else:
            self._values.update(zip(node.output, results, strict=False))

    def _taken(self, node: Node) -> list[Value]:
        """What the branch gives that a known condition takes."""
        taken = bool(node.constant(0, "a condition").reshape(()))
        body = node.attribute("then_branch" if taken else "else_branch")
        for tensor in body.initializer:
            self._values[tensor.name] = Value(constant=array_of(tensor, self._folder))
        for inner in body.node:
            self.add(inner)
        names = [value.name for value in body.output]
        if lost := self._lost.intersection(names):
            raise ValueError(f"its branch needs what is not converted: {min(lost)}")
        results = [self._input(name) for name in names]
        return [value for value in results if value is not None]

    def _made(self, node: Node) -> list[Value]:
        import tensorflow as tf
        from tensorflow.python.eager import context

        if node.operator not in operators():
            raise UncoveredError("the operator")
        make = operators()[node.operator]
        fixed = all(v is None or v.constant is not None for v in node.inputs)
        if fixed and not _CHANCE.fullmatch(node.operator):
            with context.eager_mode(), tf.device("CPU:0"):
                return [_fixed(value) for value in _values_of(make(node))]
        with tf.name_scope(scope_of(node.proto)):
            values = [self._informed(value) for value in _values_of(make(node))]
        values[0].sizes = sizes_of(node)
        return values

    def _informed(self, value: Value) -> Value:
        """Small whole numbers that are known though they were computed of shapes."""
        from pipeline.graphs.onnx.to_tensorflow.operators.shapes import known_sizes

        if value.constant is None and value.dtype.is_integer and value.raw.shape.rank == 1:
            sizes = known_sizes(value.raw)
            if sizes is not None and not {None, -1} & set(sizes):
                return Value(constant=np.array(sizes, value.dtype.as_numpy_dtype))
        return value

    def _refuse(self, node: Any, reason: str) -> None:
        self._refused.append(f"{node.op_type} at {label(node)!r}: {reason}")
        self._lost |= set(node.output)

    def tell(self) -> None:
        """Raise SourceError of all nodes that could not be made."""
        if self._refused:
            more = len(self._refused) - NAMED
            raise SourceError(
                "; ".join(self._refused[:NAMED]) + (f"; and {more} more" if more > 0 else ""),
                where="onnx",
                todo="name tensors before them under source.outputs, give free sizes a number "
                "under source.onnx.dimensions, or let export have onnx alone, which takes an ONNX "
                "model as it is",
            )

    def end(self, name: str) -> str:
        """The tensor of that name, in ONNX's order and dtype."""
        import tensorflow as tf

        try:
            value = self._input(name)
        except ValueError:
            value = None
        if value is None:
            raise SourceError(
                f"nothing gives the output {name!r}", where="onnx", todo="get the file again"
            )
        tensor = value.onnx()
        if name in self._outline.wide and tensor.dtype == tf.int32:
            tensor = tf.cast(tensor, tf.int64)
        return str(tensor.name)


def _values_of(result: Any) -> list[Value]:
    results = result if isinstance(result, list) else [result]
    return [value if isinstance(value, Value) else Value(value) for value in results]


def _fixed(value: Value) -> Value:
    if value.constant is not None:
        return value
    return Value(constant=np.asarray(value.onnx().numpy()))


def scope_of(node: Any) -> str:
    """A name for the nodes that one becomes, which TensorFlow takes."""
    name = re.sub(r"[^A-Za-z0-9_./-]+", "_", label(node))
    name = re.sub("/{2,}", "/", name).strip("/_-.")
    return name if re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*", name) else node.op_type
