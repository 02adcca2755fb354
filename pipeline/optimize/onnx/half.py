"""Rewrites an ONNX graph in float16, with casts where it meets float32.

onnxruntime's own converter takes what one float32 node gives another through float16: it would
lose the very values for which both stay in float32.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, large_tensor
from pipeline.graphs.onnx.canonical import bodies, outer_values
from pipeline.tensors.arrays import np

#: ONNX's numbers of the two types.
SINGLE, HALF = 1, 10

#: Inputs that are float32 whatever the others are.
SINGLE_INPUTS = {"Resize": (1, 2)}

#: Operators whose float type is an attribute's, or another input's.
OTHERWISE_TYPED = frozenset(
    {
        *("Bernoulli", "ConstantOfShape", "DequantizeLinear", "EyeLike", "If", "Loop"),
        *("Multinomial", "QuantizeLinear", "RandomNormal", "RandomNormalLike", "RandomUniform"),
        *("Scan", "SequenceEmpty"),
    }
)


def halve(model: Any, kept: Collection[str], source: LargeTensors, target: LargeTensors) -> Any:
    """A new ``onnx.ModelProto`` in float16 whose inputs and outputs stay as they are.

    Args:
        model: ``onnx.ModelProto`` whose nodes have names.
        kept: nodes that stay in float32, besides those of operators that have to.
        source: where large constants are.
        target: where those in float16 go.
    """
    from onnx import ModelProto
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST

    copy = ModelProto()
    copy.CopyFrom(model)
    blocked = OTHERWISE_TYPED | set(DEFAULT_OP_BLOCK_LIST)
    nodes = model.graph.node
    # A body reads values of the graph around it by their names, in the type that they had.
    outer = {name for node in nodes for _, body in bodies(node) for name in outer_values(body)}
    single = {
        node.name
        for node in nodes
        if node.name in kept or node.op_type in blocked or node.domain or outer & set(node.output)
    }
    _Halver(copy, single, source, target).run()
    return copy


class _Halver:
    """Rewrites the main graph."""

    def __init__(
        self, model: Any, single: Collection[str], source: LargeTensors, target: LargeTensors
    ) -> None:
        from onnx import shape_inference

        self._graph, self._single = model.graph, single
        self._source, self._target = source, target
        self._constants = {t.name: t for t in model.graph.initializer if t.data_type == SINGLE}
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        values = [*inferred.input, *inferred.value_info, *inferred.output]
        self._float = {v.name for v in values if v.type.tensor_type.elem_type == SINGLE}
        self._outputs = {value.name for value in model.graph.output}
        self._made = dict.fromkeys((v.name for v in model.graph.input), SINGLE)
        """The type in which a float value is made."""
        self._names: dict[tuple[str, int], str] = {}
        """A value in a type -> its name in the new graph."""
        self._nodes: list[Any] = []

    def run(self) -> None:
        for node in [type(n).FromString(n.SerializeToString()) for n in self._graph.node]:
            kind = SINGLE if node.name in self._single else HALF
            for i, name in enumerate(node.input):
                fixed = i in SINGLE_INPUTS.get(node.op_type, ())
                node.input[i] = self._use(name, SINGLE if fixed else kind)
            self._nodes.append(node)
            self._make(node, kind)
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)

    def _make(self, node: Any, kind: int) -> None:
        """Note what a node makes; an output of the model is float32 under its own name."""
        for item in node.attribute if node.op_type == "Cast" and kind == HALF else ():
            if item.name == "to" and item.i == SINGLE:
                item.i = HALF
        for i, name in enumerate(node.output):
            if name not in self._float:
                continue
            self._made[name] = kind
            if name in self._outputs and kind == HALF:
                node.output[i] = self._names[name, HALF] = f"{name}/half"
                self._cast(f"{name}/half", name, SINGLE)
                self._names[name, SINGLE] = name

    def _use(self, name: str, kind: int) -> str:
        """The name of a value in a type; a constant or a cast is made on its first use."""
        if name not in self._constants and name not in self._float:
            return name
        if self._made.get(name, SINGLE) == kind and (name, kind) not in self._names:
            return name
        if (name, kind) not in self._names:
            new = self._names[name, kind] = f"{name}/{'half' if kind == HALF else 'single'}"
            if name in self._constants:
                self._constant(name, new)
            else:
                self._cast(name, new, kind)
        return self._names[name, kind]

    def _constant(self, name: str, new: str) -> None:
        values = array_of(self._constants[name], self._source).astype(np.float16)
        self._graph.initializer.append(large_tensor(new, values, self._target))

    def _cast(self, source: str, new: str, kind: int) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node("Cast", [source], [new], to=kind))
