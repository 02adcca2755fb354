"""What makes tensors of nothing, or of a few numbers."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.size import MOST, bound
from pipeline.graphs.onnx.to_tensorflow.value import Value, numbers
from pipeline.tensors.arrays import np


@operator("Constant")
def constant(node: Node) -> Value:
    from pipeline.graphs.onnx.to_tensorflow.weights import array_of, narrowed

    kinds: dict[str, Any] = {"value_float": np.float32, "value_floats": np.float32}
    whole = {"value_int", "value_ints"}
    for attribute in node.proto.attribute:
        if attribute.name == "value":
            return Value(constant=array_of(attribute.t))
        if attribute.name in whole:
            return Value(constant=narrowed(np.array(node.attribute(attribute.name), np.int64)))
        if attribute.name in kinds:
            value = node.attribute(attribute.name)
            return Value(constant=np.array(value, kinds[attribute.name]))
    raise UncoveredError("a constant of text, or a sparse one,")


@operator("ConstantOfShape")
def constant_of_shape(node: Node) -> Any:
    import tensorflow as tf

    from pipeline.graphs.onnx.to_tensorflow.weights import array_of

    proto = node.attribute("value")
    fill = np.zeros([], np.float32) if proto is None else array_of(proto).reshape(())
    if node.value().constant is not None:
        return Value(constant=np.full(bound(numbers(node.value().constant)), fill))
    return tf.fill(tf.cast(node.tensor(), tf.int32), fill)


@operator("Range")
def range_(node: Node) -> Any:
    import tensorflow as tf

    values = [node.value(index) for index in range(3)]
    if all(value.constant is not None for value in values):
        start, limit, delta = (value.constant.reshape(-1)[0] for value in values)  # type: ignore[union-attr]
        if not delta or abs((limit - start) / delta) > MOST:
            raise ValueError("a range of so many steps is not made")
        return Value(constant=np.arange(start, limit, delta, dtype=values[0].constant.dtype))  # type: ignore[union-attr]
    return tf.range(*(tf.reshape(value.onnx(), []) for value in values))


@operator("OneHot")
def one_hot(node: Node) -> Any:
    """Indices below zero count from the end."""
    import tensorflow as tf

    depth = numbers(node.constant(1, "a depth"))[0]
    indices = tf.cast(node.tensor(0), tf.int32)
    bound([depth, *(size or 1 for size in node.value(0).shape)])
    values = node.tensor(2)
    indices = tf.where(indices < 0, indices + depth, indices)
    axis = node.attribute("axis", -1)
    axis = axis if axis >= 0 else axis + node.value(0).rank + 1
    return tf.one_hot(indices, depth, values[1], values[0], axis)


@operator("EyeLike")
def eye_like(node: Node) -> Value:
    from onnx import helper

    shape = node.value().shape
    if None in shape or len(shape) != 2:
        raise UncoveredError("an identity matrix of free size")
    kind = node.attribute("dtype")
    dtype = helper.tensor_dtype_to_np_dtype(kind) if kind else node.value().dtype.as_numpy_dtype
    rows, columns = bound([size or 0 for size in shape])
    return Value(constant=np.eye(rows, columns, node.attribute("k", 0)).astype(dtype))


@operator("Trilu")
def triangle(node: Node) -> Value:
    """Multiplied away would leave NaN where infinity was."""
    import tensorflow as tf

    value = node.value()
    rows, columns = value.shape[-2:]
    if rows is None or columns is None:
        raise UncoveredError("a triangle of free size")
    diagonal = numbers(node.constant(1, "a diagonal"))[0] if node.has(1) else 0
    ones = np.ones([rows, columns], bool)
    mask = np.triu(ones, diagonal) if node.attribute("upper", 1) else np.tril(ones, diagonal)
    x = value.onnx()
    return Value(tf.where(Value(constant=mask).raw, x, tf.zeros([], x.dtype)))
