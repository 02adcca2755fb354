"""Operators that give each number by itself, of one tensor or of several that broadcast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tflite.call import Call, UnsupportedError, Write

#: TFLite's name -> TensorFlow's raw operator of one input.
_UNARY = {
    **{"ABS": "Abs", "CEIL": "Ceil", "COS": "Cos", "ELU": "Elu", "EXP": "Exp", "FLOOR": "Floor"},
    **{"LOG": "Log", "LOGICAL_NOT": "LogicalNot", "LOGISTIC": "Sigmoid", "NEG": "Neg"},
    **{"RELU": "Relu", "RELU6": "Relu6", "ROUND": "Round", "RSQRT": "Rsqrt", "SIGN": "Sign"},
    **{"SIN": "Sin", "SQRT": "Sqrt", "SQUARE": "Square", "TANH": "Tanh"},
    "ZEROS_LIKE": "ZerosLike",
}
_BINARY = {
    **{"ADD": "AddV2", "SUB": "Sub", "MUL": "Mul", "POW": "Pow"},
    **{"MAXIMUM": "Maximum", "MINIMUM": "Minimum", "SQUARED_DIFFERENCE": "SquaredDifference"},
    **{"FLOOR_DIV": "FloorDiv", "FLOOR_MOD": "FloorMod", "LESS": "Less", "GREATER": "Greater"},
    **{"LESS_EQUAL": "LessEqual", "GREATER_EQUAL": "GreaterEqual"},
    **{"EQUAL": "Equal", "NOT_EQUAL": "NotEqual"},
    **{"LOGICAL_AND": "LogicalAnd", "LOGICAL_OR": "LogicalOr"},
}


def _unary(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        operator = getattr(tf.raw_ops, name)
        keyword = "features" if name in ("Relu", "Relu6", "Elu") else "x"
        return operator(**{keyword: call.inputs[0]})

    return write


def _binary(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        return getattr(tf.raw_ops, name)(x=call.inputs[0], y=call.inputs[1])

    return write


def _div(call: Call) -> Any:
    """C's division, which truncates integers."""
    import tensorflow as tf

    x, y = call.inputs
    return tf.raw_ops.RealDiv(x=x, y=y) if x.dtype.is_floating else tf.truncatediv(x, y)


def _atan2(call: Call) -> Any:
    import tensorflow as tf

    return tf.atan2(*call.inputs)


def _prelu(call: Call) -> Any:
    """As Keras writes it, so that exporters know it."""
    import tensorflow as tf

    x = call.inputs[0]
    return tf.nn.relu(x) + call.weights(1, lambda alpha: -alpha) * tf.nn.relu(-x)


def _hard_swish(call: Call) -> Any:
    """As Keras writes it, so that exporters know it."""
    import tensorflow as tf

    x = call.inputs[0]
    return x * (tf.nn.relu6(x + 3.0) * (1.0 / 6.0))


def _leaky_relu(call: Call) -> Any:
    import tensorflow as tf

    return tf.nn.leaky_relu(call.inputs[0], call.option("Alpha"))


def _gelu(call: Call) -> Any:
    import tensorflow as tf

    return tf.nn.gelu(call.inputs[0], approximate=bool(call.option("Approximate")))


def _clipped(low: float, high: float) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        return tf.clip_by_value(call.inputs[0], low, high)

    return write


def _cast(call: Call) -> Any:
    import tensorflow as tf

    dtype = call.given[0].dtype
    return tf.cast(call.inputs[0], "float32" if dtype in ("float16", "bfloat16") else dtype)


def _as_it_is(call: Call) -> Any:
    """What stands for numbers is those numbers here, however it is stored."""
    import tensorflow as tf

    return tf.identity(call.inputs[0])


def _add_n(call: Call) -> Any:
    import tensorflow as tf

    return tf.add_n(list(call.inputs))


def _softmax(call: Call) -> Any:
    import tensorflow as tf

    beta = call.option("Beta", 1.0)
    return tf.nn.softmax(call.inputs[0] if beta == 1 else call.inputs[0] * beta)


def _log_softmax(call: Call) -> Any:
    import tensorflow as tf

    return tf.nn.log_softmax(call.inputs[0])


def _l2_normalization(call: Call) -> Any:
    """Along the last axis; the kernel's own epsilon, under the root."""
    import tensorflow as tf

    return tf.math.l2_normalize(call.inputs[0], -1, 1e-12)


def _local_response(call: Call) -> Any:
    import tensorflow as tf

    return tf.nn.local_response_normalization(
        call.inputs[0],
        call.option("Radius"),
        call.option("Bias"),
        call.option("Alpha"),
        call.option("Beta"),
    )


def _select(call: Call) -> Any:
    """The first kind picks whole rows by a vector."""
    import tensorflow as tf

    condition, x, y = call.inputs
    rows = call.node.kind == "SELECT" and len(condition.shape) == 1 < len(x.shape)
    if rows:
        return tf.raw_ops.Select(condition=condition, x=x, y=y)
    return tf.where(condition, x, y)


def activate(number: int, x: Any) -> Any:
    """What is fused behind an operator, by the schema's number."""
    import tensorflow as tf

    if number == 0:
        return x
    if number == 2:
        return tf.clip_by_value(x, -1.0, 1.0)
    functions = {1: tf.nn.relu, 3: tf.nn.relu6, 4: tf.tanh}
    if number not in functions:
        raise UnsupportedError(f"with the activation {number}")
    return functions[number](x)


OPERATORS: Mapping[str, Write] = {
    **{name: _unary(raw) for name, raw in _UNARY.items()},
    **{name: _binary(raw) for name, raw in _BINARY.items()},
    "ATAN2": _atan2,
    "DIV": _div,
    "PRELU": _prelu,
    "HARD_SWISH": _hard_swish,
    "LEAKY_RELU": _leaky_relu,
    "GELU": _gelu,
    "RELU_N1_TO_1": _clipped(-1.0, 1.0),
    "RELU_0_TO_1": _clipped(0.0, 1.0),
    "CAST": _cast,
    **dict.fromkeys(("DENSIFY", "DEQUANTIZE", "QUANTIZE", "FAKE_QUANT"), _as_it_is),
    "ADD_N": _add_n,
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "L2_NORMALIZATION": _l2_normalization,
    "LOCAL_RESPONSE_NORMALIZATION": _local_response,
    "SELECT": _select,
    "SELECT_V2": _select,
}
