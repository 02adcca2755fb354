"""Products of matrices."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value


@operator("MatMul")
def matmul(node: Node) -> Any:
    """As NumPy has it: a vector is a row on the left, a column on the right."""
    import tensorflow as tf

    left, right = node.value(0), node.value(1)
    if left.rank > 1 and right.rank > 1:
        (a, turned_a), (b, turned_b) = _operand(left), _operand(right)
        return tf.matmul(a, b, transpose_a=turned_a, transpose_b=turned_b)
    a = left.onnx() if left.rank > 1 else tf.expand_dims(left.onnx(), 0)
    b = right.onnx() if right.rank > 1 else tf.expand_dims(right.onnx(), -1)
    ones = [-2] * (left.rank == 1) + [-1] * (right.rank == 1)
    return tf.squeeze(tf.matmul(a, b), ones)


def _operand(value: Value) -> tuple[Any, bool]:
    """A tensor, and whether ``MatMul`` is to take it the other way round."""
    last = value.rank - 1
    turned = value.constant is None and value.order == (*range(last - 1), last, last - 1)
    return (value.raw, True) if turned else (value.onnx(), False)


@operator("Gemm")
def gemm(node: Node) -> Any:
    """alpha * A * B + beta * C."""
    import tensorflow as tf

    flags = [bool(node.attribute(name, 0)) for name in ("transA", "transB")]
    right = node.value(1)
    if flags[1] and right.constant is not None:
        right, flags[1] = Value(constant=right.constant.T), False
    result = tf.matmul(
        node.tensor(0),
        _scaled(right, node.attribute("alpha", 1.0)),
        transpose_a=flags[0],
        transpose_b=flags[1],
    )
    if not node.has(2):
        return result
    addend = node.value(2)
    scaled = _scaled(addend, node.attribute("beta", 1.0))
    if addend.rank == 1 and addend.shape[0] == result.shape[-1] is not None:
        return tf.nn.bias_add(result, scaled)
    return result + scaled


def _scaled(value: Value, factor: float) -> Any:
    if factor == 1:
        return value.onnx()
    if value.constant is not None:
        return Value(constant=value.constant * value.constant.dtype.type(factor)).onnx()
    return value.onnx() * factor


@operator("Einsum")
def einsum(node: Node) -> Any:
    """Sums are written as transposes and one product later, where they can be."""
    import tensorflow as tf

    equation = node.attribute("equation", "").replace(" ", "")
    if "->" not in equation:
        labels = equation.replace(",", "").replace("...", "")
        once = "".join(sorted(label for label in set(labels) if labels.count(label) == 1))
        equation += "->" + ("..." if "..." in equation else "") + once
    return tf.einsum(equation, *(node.tensor(i) for i in range(len(node.inputs))))


@operator("MatMulInteger", "ConvInteger")
def integer_product(node: Node) -> Any:
    """Products of integers in floats: exact, as long as sums stay under 2^24."""
    import tensorflow as tf
    from onnx import helper

    from pipeline.graphs.onnx.to_tensorflow.operators.convolution import conv

    operands = [_shifted(node, index) for index in (0, 1)]
    if node.operator == "MatMulInteger":
        return tf.cast(tf.matmul(operands[0].onnx(), operands[1].onnx()), tf.int32)
    proto = helper.make_node("Conv", node.proto.input[:2], node.proto.output)
    proto.attribute.extend(node.proto.attribute)
    result = conv(Node(proto, operands, node.opset, node.shapes))
    return Value(tf.cast(result.raw, tf.int32), result.order)


def _shifted(node: Node, index: int) -> Value:
    """An operand without its zero point, as floats."""
    import tensorflow as tf

    value = node.value(index)
    if value.constant is not None and (
        not node.has(index + 2) or node.value(index + 2).constant is not None
    ):
        zero = node.value(index + 2).constant if node.has(index + 2) else None
        return Value(constant=_without_zero(value.constant, zero, node.operator, index))
    tensor = tf.cast(value.raw, tf.float32) if value.real is None else value.real
    if node.has(index + 2):
        zero_point = node.value(index + 2)
        if zero_point.rank and zero_point.shape != (1,):
            raise UncoveredError("a zero point for each row that the model computes")
        tensor -= tf.cast(tf.reshape(zero_point.raw, []), tf.float32)
    return Value(tensor, value.order)


def _without_zero(array: Any, zero: Any, operator: str, index: int) -> Any:
    if zero is None:
        return array.astype("float32")
    if zero.size > 1 and operator == "ConvInteger":
        zero = zero.reshape([-1, *[1] * (array.ndim - 1)])
    elif zero.size > 1 and index == 0:
        zero = zero.reshape([-1, 1])
    elif zero.size == 1:
        zero = zero.reshape(())
    return array.astype("float32") - zero.astype("float32")
