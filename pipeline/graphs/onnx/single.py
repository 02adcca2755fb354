"""An ONNX graph of other floats, written in float32: no browser computes in the others.

bfloat16 and float16 gain bits by that; float64 loses some.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, large_tensor
from pipeline.graphs.onnx.canonical import all_nodes, graphs
from pipeline.tensors.arrays import Array, np

#: Attributes that name a dtype.
_DTYPES = frozenset(("to", "dtype", "stash_type", "output_dtype", "softmax_precision"))


def other_floats() -> dict[int, str]:
    """Numbers of ONNX's dtypes -> their names, of those that are written in float32."""
    from onnx import TensorProto

    return {
        TensorProto.FLOAT16: "float16",
        TensorProto.BFLOAT16: "bfloat16",
        TensorProto.DOUBLE: "float64",
    }


def to_single(model: Any, large: LargeTensors) -> tuple[str, ...]:
    """Change a graph in place so that it computes in float32; the names of what it had.

    Args:
        large: where large tensors are.
    """
    from onnx import TensorProto, numpy_helper

    others, seen = other_floats(), set[int]()
    for kind in _element_types(model.graph):
        if kind.elem_type in others:
            seen.add(kind.elem_type)
            kind.elem_type = TensorProto.FLOAT
    for graph in graphs(model.graph):
        for tensor in [one for one in graph.initializer if one.data_type in others]:
            seen.add(tensor.data_type)
            tensor.CopyFrom(large_tensor(tensor.name, _single(array_of(tensor, large)), large))
    for attribute in (a for node in all_nodes(model.graph) for a in node.attribute):
        if attribute.name in _DTYPES and attribute.i in others:
            seen.add(attribute.i)
            attribute.i = TensorProto.FLOAT
        if attribute.HasField("t") and attribute.t.data_type in others:
            seen.add(attribute.t.data_type)
            values = _single(numpy_helper.to_array(attribute.t))
            attribute.t.CopyFrom(numpy_helper.from_array(values))
    return tuple(sorted(others[kind] for kind in seen))


def _single(values: Array) -> Array:
    single: Array = values.astype(np.float32)
    return single


def _element_types(graph: Any) -> Iterator[Any]:
    """Types of tensors that values of a graph and of those within it have."""
    for inner in graphs(graph):
        for value in (*inner.input, *inner.output):
            kind = value.type
            while kind.HasField("sequence_type") or kind.HasField("optional_type"):
                holder = kind.sequence_type if kind.HasField("sequence_type") else None
                kind = (holder or kind.optional_type).elem_type
            if kind.HasField("tensor_type"):
                yield kind.tensor_type
