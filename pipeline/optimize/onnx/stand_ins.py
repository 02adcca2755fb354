"""Small tensors in the place of large constants, while onnxruntime's quantizer works on a graph.

It copies a graph with all its weights several times. But all that it takes of a constant is the
least and the greatest value of each channel, or of all, and these a stand-in has. What a constant
becomes is computed from its file and lies in a file, one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, is_external, large_tensor, take_in
from pipeline.tensors.arrays import Array, NDArray, np

#: What onnxruntime's quantizer puts behind a quantized tensor's name.
SUFFIX = "_quantized"

#: So many values are quantized at once.
BLOCK_VALUES = 2**20


def put(
    model: Any, nodes: Collection[str], large: LargeTensors, *, per_channel: bool
) -> dict[str, Any]:
    """Put stand-ins for the float32 tensors in files that the named nodes read, in place.

    Those of one axis, as biases are, are small enough to be read.

    Args:
        large: where the files are.
        per_channel: whether weights have a scale for each channel.

    Returns:
        Name -> the ``onnx.TensorProto`` that a stand-in stands for.
    """
    from onnx import TensorProto, numpy_helper

    tensors = {t.name: t for t in model.graph.initializer if is_external(t) and t.data_type == 1}
    originals: dict[str, Any] = {}
    for name, axis in _axes(model, nodes, tensors).items():
        tensor = tensors[name]
        if len(tensor.dims) == 1:
            take_in(tensor, large.folder.parent)
            continue
        originals[name] = TensorProto.FromString(tensor.SerializeToString())
        extremes = _extremes(array_of(tensor, large), axis if per_channel else None)
        tensor.CopyFrom(numpy_helper.from_array(extremes, name))
    return originals


def _axes(model: Any, nodes: Collection[str], tensors: Collection[str]) -> dict[str, int | None]:
    """Those of the tensors that the nodes read, and the axis along which each has scales."""
    axes: dict[str, int | None] = {}
    for node in model.graph.node:
        for position, name in enumerate(node.input if node.name in nodes else ()):
            if name in tensors and axes.get(name) is None:
                axes[name] = _axis(node, position)
    return axes


def _axis(node: Any, position: int) -> int | None:
    """The axis along which onnxruntime's quantizer gives a constant a scale each."""
    if node.op_type == "MatMul":
        return 1
    if position != 1:
        return None
    if node.op_type == "Gemm":
        return 0 if any(item.name == "transB" and item.i for item in node.attribute) else 1
    return {"Conv": 0, "ConvTranspose": 1}.get(node.op_type)


def _extremes(values: Array, axis: int | None) -> Array:
    """The least and the greatest value of each index along an axis, or of all, in as many axes."""
    others = tuple(i for i in range(values.ndim) if i != axis)
    both = [values.min(others, keepdims=True), values.max(others, keepdims=True)]
    return np.concatenate(both, others[0])


def settle(
    model: Any, originals: Mapping[str, Any], done: Collection[str], large: LargeTensors
) -> None:
    """Put what stand-ins stood for in their place: quantized, or as it was.

    Args:
        model: what the quantizer made; changed in place.
        originals: what ``put`` gave.
        done: names of quantized tensors that are right already.
        large: where files are, and go.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    decoders = {n.input[0]: n for n in model.graph.node if n.op_type == "DequantizeLinear"}
    for name, original in originals.items():
        if name in tensors:
            tensors[name].CopyFrom(original)
        data = name + SUFFIX
        if data in tensors and data not in done:
            numbers = _numbers(array_of(original, large), tensors, decoders[data])
            tensors[data].CopyFrom(large_tensor(data, numbers, large))


def _numbers(values: Array, tensors: Mapping[str, Any], decoder: Any) -> NDArray[np.integer]:
    """Values in whole numbers, by the scale and zero that the quantizer chose."""
    from onnx import numpy_helper

    scale, zero = (numpy_helper.to_array(tensors[name]) for name in decoder.input[1:])
    shape = [1] * values.ndim
    axis = next((item.i for item in decoder.attribute if item.name == "axis"), 0)
    if scale.ndim:
        shape[axis] = scale.size
    scale, zero, limits = scale.reshape(shape), zero.reshape(shape), np.iinfo(zero.dtype)
    numbers = np.empty(values.shape, zero.dtype)
    rows = max(1, BLOCK_VALUES // max(1, prod(values.shape[1:])))
    for start in range(0, len(values), rows):
        part = slice(start, start + rows)
        by, plus = (x[part] if len(x) > 1 else x for x in (scale, zero))
        rounded = (values[part] / by).round() + plus
        numbers[part] = rounded.clip(limits.min, limits.max)
    return numbers
