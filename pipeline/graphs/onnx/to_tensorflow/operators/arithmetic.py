"""What computes each element of several inputs, which are broadcast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value, aligned


def _together(node: Node, function: Callable[..., Any]) -> Value:
    values = [node.value(index) for index in range(len(node.inputs))]
    tensors, order = aligned(values)
    return Value(function(*tensors), order)


@operator("Add", "Sub", "Mul", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
def binary(node: Node) -> Value:
    import tensorflow as tf

    functions = {
        "Add": tf.add,
        "Sub": tf.subtract,
        "Mul": tf.multiply,
        "Equal": tf.equal,
        "Less": tf.less,
        "LessOrEqual": tf.less_equal,
        "Greater": tf.greater,
        "GreaterOrEqual": tf.greater_equal,
    }
    return _together(node, functions[node.operator])


@operator("And", "Or", "Xor")
def logical(node: Node) -> Value:
    import tensorflow as tf

    functions = {"And": tf.logical_and, "Or": tf.logical_or, "Xor": tf.not_equal}
    return _together(node, functions[node.operator])


@operator("Max", "Min", "Sum", "Mean")
def variadic(node: Node) -> Value:
    import tensorflow as tf

    functions = {"Max": tf.maximum, "Min": tf.minimum, "Sum": tf.add, "Mean": tf.add}

    def combine(*tensors: Any) -> Any:
        total = reduce(functions[node.operator], tensors)
        return total / len(tensors) if node.operator == "Mean" else total

    return _together(node, combine)


@operator("Div")
def divide(node: Node) -> Value:
    """Integers are rounded towards zero; TF.js has the division that rounds down alone."""
    import tensorflow as tf

    def whole(a: Any, b: Any) -> Any:
        return tf.sign(a) * tf.sign(b) * tf.math.floordiv(tf.abs(a), tf.abs(b))

    def unsigned(a: Any, b: Any) -> Any:
        return tf.math.floordiv(a, b)

    dtype = node.value().dtype
    if dtype.is_floating:
        return _together(node, tf.divide)
    return _together(node, unsigned if dtype.is_unsigned else whole)


@operator("Mod")
def modulo(node: Node) -> Value:
    """With ``fmod`` the result has the sign of the dividend, else that of the divisor."""
    import tensorflow as tf

    def of_dividend(a: Any, b: Any) -> Any:
        return tf.sign(a) * tf.math.floormod(tf.abs(a), tf.abs(b))

    return _together(node, of_dividend if node.attribute("fmod", 0) else tf.math.floormod)


@operator("Pow")
def power(node: Node) -> Value:
    """Squares and roots by operators of their own: backends compute them of negative numbers."""
    import tensorflow as tf

    value, exponent = node.value(0), node.value(1).constant
    if exponent is not None and exponent.size == 1 and exponent.ndim <= value.rank:
        shortcut = {2.0: tf.square, 0.5: tf.sqrt, 1.0: tf.identity}.get(
            float(exponent.reshape(-1)[0])
        )
        if shortcut and value.dtype.is_floating:
            return Value(shortcut(value.raw), value.order)
    return _together(node, lambda x, y: tf.pow(x, tf.cast(y, x.dtype)))


@operator("Where")
def where(node: Node) -> Value:
    import tensorflow as tf

    return _together(node, tf.where)


@operator("Concat")
def concat(node: Node) -> Value:
    import tensorflow as tf

    values = [value for value in node.inputs if value is not None]
    tensors, order = same_order(values)
    axis = Value(tensors[0], order).axis(node.attribute("axis", 1))
    return Value(tf.concat(tensors, axis) if len(tensors) > 1 else tensors[0], order)


def same_order(values: Sequence[Value]) -> tuple[list[Any], Any]:
    """Tensors of one number of axes in one order."""
    order = next((v.order for v in values if v.constant is None and v.order), None)
    return [value.ordered(order) for value in values], order
