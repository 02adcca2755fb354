"""What computes each element by itself, of one input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value, aligned

#: ONNX's operator -> TensorFlow's raw one, where they compute the same.
_SAME = {
    **{name: name for name in ("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil")},
    **{name: name for name in ("Cos", "Cosh", "Elu", "Erf", "Exp", "Floor", "Log", "Neg", "Relu")},
    **{name: name for name in ("Reciprocal", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus")},
    **{name: name for name in ("Softsign", "Sqrt", "Tan", "Tanh")},
    "Not": "LogicalNot",
    # Both round halves to the even number.
    "Round": "Rint",
    "IsNaN": "IsNan",
}


@operator(*_SAME)
def same(node: Node) -> Value:
    import tensorflow as tf

    if node.operator == "Elu" and node.attribute("alpha", 1.0) != 1.0:
        return _each(node, _elu(node.attribute("alpha")))
    (argument,) = _argument(_SAME[node.operator])
    function = getattr(tf.raw_ops, _SAME[node.operator])
    return _each(node, lambda x: function(**{argument: x}))


def _argument(operator: str) -> list[str]:
    from tensorflow.python.framework import op_def_registry

    return [argument.name for argument in op_def_registry.get(operator).input_arg]


def _each(node: Node, function: Callable[[Any], Any]) -> Value:
    value = node.value()
    return Value(function(value.raw), value.order)


def _elu(alpha: float) -> Callable[[Any], Any]:
    import tensorflow as tf

    # The function of x below zero is alpha times that of alpha one.
    return lambda x: tf.nn.relu(x) - alpha * tf.nn.relu(-tf.nn.elu(x))


@operator("Identity", "Dropout")
def identity(node: Node) -> Any:
    """Dropout is for training; its mask, where wanted, is all true."""
    import tensorflow as tf

    if node.operator == "Dropout" and node.has(2) and node.constant(2, "a training mode").any():
        raise UncoveredError("a dropout in training mode")
    if node.operator == "Dropout" and len([name for name in node.outputs() if name]) > 1:
        return [node.value(), tf.ones_like(node.tensor(), tf.bool)]
    return node.value()


@operator("Celu", "Selu", "ThresholdedRelu", "LeakyRelu", "Mish", "HardSigmoid", "HardSwish")
def activation(node: Node) -> Value:
    import tensorflow as tf

    alpha, beta = node.attribute("alpha"), node.attribute("beta")

    def leaky(x: Any) -> Any:
        return tf.nn.leaky_relu(x, 0.01 if alpha is None else alpha)

    def celu(x: Any) -> Any:
        a = alpha or 1.0
        return tf.nn.relu(x) - a * tf.nn.relu(-tf.nn.elu(x / a))

    def selu(x: Any) -> Any:
        a = 1.6732632423543772 if alpha is None else alpha
        return node.attribute("gamma", 1.0507009873554805) * _elu(a)(x)

    def thresholded(x: Any) -> Any:
        return x * tf.cast(x > (1.0 if alpha is None else alpha), x.dtype)

    def hard_sigmoid(x: Any) -> Any:
        slope, offset = 0.2 if alpha is None else alpha, 0.5 if beta is None else beta
        return tf.clip_by_value(slope * x + offset, 0.0, 1.0)

    functions: dict[str, Callable[[Any], Any]] = {
        "LeakyRelu": leaky,
        "Celu": celu,
        "Selu": selu,
        "ThresholdedRelu": thresholded,
        "Mish": lambda x: x * tf.tanh(tf.nn.softplus(x)),
        "HardSigmoid": hard_sigmoid,
        "HardSwish": lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6),
    }
    return _each(node, functions[node.operator])


@operator("Gelu")
def gelu(node: Node) -> Value:
    import tensorflow as tf

    def exact(x: Any) -> Any:
        return 0.5 * x * (1.0 + tf.math.erf(x * 0.7071067811865476))

    def tanh(x: Any) -> Any:
        return 0.5 * x * (1.0 + tf.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))

    return _each(node, tanh if node.attribute("approximate", "none") == "tanh" else exact)


@operator("Swish")
def swish(node: Node) -> Value:
    import tensorflow as tf

    alpha = node.attribute("alpha", 1.0)
    return _each(node, lambda x: x * tf.sigmoid(x if alpha == 1 else alpha * x))


@operator("IsInf")
def is_inf(node: Node) -> Value:
    import tensorflow as tf

    if not (node.attribute("detect_negative", 1) and node.attribute("detect_positive", 1)):
        raise UncoveredError("infinity of one sign")
    return _each(node, tf.math.is_inf)


@operator("Clip")
def clip(node: Node) -> Value:
    """Since opset 11 the bounds are inputs."""
    import tensorflow as tf

    value = node.value()
    low = _bound(node, "min", 1)
    high = _bound(node, "max", 2)
    x = value.raw
    if (low, high) == (0, 6) and value.dtype.is_floating:
        return Value(tf.nn.relu6(x), value.order)
    x = x if low is None else tf.maximum(x, tf.cast(low, x.dtype))
    return Value(x if high is None else tf.minimum(x, tf.cast(high, x.dtype)), value.order)


def _bound(node: Node, name: str, index: int) -> Any:
    if not node.has(index):
        return node.attribute(name)
    constant = node.value(index).constant
    return node.tensor(index) if constant is None else constant.reshape(-1)[0].item()


@operator("PRelu")
def prelu(node: Node) -> Value:
    """In the spelling that TF.js' converter knows as one of its own operators."""
    import tensorflow as tf

    (x, slope), order = aligned([node.value(0), node.value(1)])
    negative = -slope if node.value(1).constant is None else tf.constant(-_array(slope))
    return Value(tf.nn.relu(x) + negative * tf.nn.relu(-x), order)


def _array(constant: Any) -> Any:
    import tensorflow as tf

    return constant.numpy() if tf.executing_eagerly() else tf.get_static_value(constant)


@operator("Cast", "CastLike")
def cast(node: Node) -> Value:
    import tensorflow as tf
    from onnx import helper

    value = node.value()
    if node.operator == "CastLike":
        target = node.value(1).dtype
    else:
        target = tf.as_dtype(helper.tensor_dtype_to_np_dtype(node.attribute("to")))
    target = tf.int32 if target == tf.int64 else target
    return Value(tf.cast(value.raw, target), value.order)
