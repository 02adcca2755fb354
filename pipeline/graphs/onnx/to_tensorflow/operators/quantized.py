"""Integers that stand for floats."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value, aligned


@operator("DequantizeLinear")
def dequantize(node: Node) -> Value:
    """(x - zero point) * scale; of weights this is done here, so that floats are kept."""
    import tensorflow as tf

    value = node.value()
    scale = _shaped(node, 1, value)
    zero = _shaped(node, 2, value) if node.has(2) else None
    floats = value if value.constant is not None or value.real is None else _real(value)
    operands = [floats, scale] if zero is None else [floats, scale, zero]
    (x, factor, *shift), order = aligned(operands)
    x = tf.cast(x, factor.dtype)
    return Value((x - tf.cast(shift[0], factor.dtype) if shift else x) * factor, order)


def _real(value: Value) -> Value:
    return Value(value.real, value.order)


def _shaped(node: Node, index: int, value: Value) -> Value:
    """A scale or a zero point: one for all, one for each of an axis, or one for each block."""
    parameter = node.value(index)
    if parameter.rank == 0 or parameter.shape == (1,):
        array = parameter.constant
        return Value(constant=array.reshape(())) if array is not None else parameter
    array = node.constant(index, "scales of channels")
    axis = node.attribute("axis", 1) % value.rank
    block = node.attribute("block_size", 0)
    if block:
        wide = array.repeat(block, axis)
        return Value(constant=wide[tuple(slice(size) for size in value.shape)])
    return Value(constant=array.reshape([-1 if i == axis else 1 for i in range(value.rank)]))


@operator("QuantizeLinear")
def quantize(node: Node) -> Value:
    """Rounded to the even number at halves, and kept as floats beside: most are scaled back."""
    import tensorflow as tf
    from onnx import helper

    value = node.value()
    scale = _shaped(node, 1, value)
    kind = node.attribute("output_dtype", 0)
    dtype = tf.as_dtype(helper.tensor_dtype_to_np_dtype(kind)) if kind else tf.uint8
    operands = [value, scale]
    if node.has(2):
        dtype = node.value(2).dtype
        operands.append(_shaped(node, 2, value))
    if dtype not in (tf.uint8, tf.int8, tf.uint16, tf.int16):
        raise UncoveredError(f"quantization to {dtype.name}")
    (x, divisor, *shift), order = aligned(operands)
    steps = tf.round(x / divisor)
    return _limited(steps + tf.cast(shift[0], x.dtype) if shift else steps, dtype, order)


def _limited(steps: Any, dtype: Any, order: Any) -> Value:
    """Whole numbers in the range of an integer dtype."""
    import tensorflow as tf

    real = tf.clip_by_value(steps, float(dtype.min), float(dtype.max))
    return Value(tf.cast(real, dtype), order, real=real)


@operator("DynamicQuantizeLinear")
def dynamic(node: Node) -> list[Value]:
    """By the range of what comes, with zero in it."""
    import tensorflow as tf

    value = node.value()
    x = value.raw
    low = tf.minimum(tf.reduce_min(x), 0.0)
    high = tf.maximum(tf.reduce_max(x), 0.0)
    scale = (high - low) / 255.0
    divisor = tf.where(scale > 0.0, scale, 1.0)
    zero = tf.round(tf.clip_by_value(-low / divisor, 0.0, 255.0))
    steps = _limited(tf.round(x / divisor) + zero, tf.uint8, value.order)
    return [steps, Value(scale), Value(tf.cast(zero, tf.uint8), real=zero)]
