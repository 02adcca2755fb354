"""Convolutions, products of matrices, and pools.

TFLite's weights are [outputs, height, width, inputs].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tflite.call import Call, UnsupportedError, Write, reshape, sizes, transpose

#: By the schema's number.
PADDING = ("SAME", "VALID")


def padding(call: Call) -> str:
    number = call.option("Padding")
    if number not in (0, 1):
        raise UnsupportedError(f"with the padding {number}")
    return PADDING[number]


def strides(call: Call) -> list[int]:
    """TensorFlow's four."""
    return [1, _positive(call, "StrideH"), _positive(call, "StrideW"), 1]


def _dilations(call: Call) -> list[int]:
    return [1, _positive(call, "DilationHFactor"), _positive(call, "DilationWFactor"), 1]


def _positive(call: Call, name: str) -> int:
    size = int(call.option(name, 1))
    if size < 1:
        raise UnsupportedError(f"with {name} {size}")
    return size


def add_bias(call: Call, result: Any, index: int = 2) -> Any:
    """With the bias, where there is one."""
    import tensorflow as tf

    bias = call.input(index)
    return result if bias is None else tf.nn.bias_add(result, bias)


def _conv_2d(call: Call) -> Any:
    import tensorflow as tf

    kernel = call.weights(1, lambda weights: transpose(weights, (1, 2, 3, 0)))
    result = tf.raw_ops.Conv2D(
        input=call.inputs[0],
        filter=kernel,
        strides=strides(call),
        padding=padding(call),
        dilations=_dilations(call),
    )
    return add_bias(call, result)


def _conv_3d(call: Call) -> Any:
    import tensorflow as tf

    steps = [1, *(_positive(call, f"Stride{axis}") for axis in "DHW"), 1]
    dilations = [1, *(_positive(call, f"Dilation{axis}Factor") for axis in "DHW"), 1]
    result = tf.raw_ops.Conv3D(
        input=call.inputs[0],
        filter=call.inputs[1],
        strides=steps,
        padding=padding(call),
        dilations=dilations,
    )
    return add_bias(call, result)


def _depthwise(call: Call) -> Any:
    """The weights are [1, height, width, outputs], and outputs in TensorFlow's order."""
    import tensorflow as tf

    _, height, width, outputs = call.inputs[1].shape
    channels = call.inputs[0].shape[-1]
    if not channels or outputs % channels:
        raise UnsupportedError(f"of {channels} channels to {outputs}")
    shape = (height, width, channels, outputs // channels)
    kernel = call.weights(1, lambda weights: reshape(weights, shape))
    dilations = _dilations(call)[1:3]
    # TensorFlow's kernel has no dilations: its function writes them in other operators.
    result = tf.nn.depthwise_conv2d(
        call.inputs[0],
        kernel,
        strides=strides(call),
        padding=padding(call),
        dilations=dilations if max(dilations) > 1 else None,
    )
    return add_bias(call, result)


def _transpose_conv(call: Call) -> Any:
    """Inputs: the output's shape, weights, image and maybe a bias."""
    import tensorflow as tf

    kernel = call.weights(1, lambda weights: transpose(weights, (1, 2, 0, 3)))
    image, shape = call.inputs[2], call.inputs[0]
    if image.shape[0] is None and call.constants[0] is not None:
        shape = tf.concat([tf.shape(image)[:1], call.integers(0)[1:]], 0)
    result = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape,
        filter=kernel,
        out_backprop=image,
        strides=strides(call),
        padding=padding(call),
    )
    return add_bias(call, result, 3)


def _fully_connected(call: Call) -> Any:
    import tensorflow as tf

    if call.option("WeightsFormat"):
        raise UnsupportedError("with shuffled weights")
    x, (outputs, inputs) = call.inputs[0], call.inputs[1].shape
    kernel = call.weights(1, lambda weights: transpose(weights, (1, 0)))
    flat = x if len(x.shape) == 2 else tf.reshape(x, [-1, inputs])
    result = add_bias(call, tf.matmul(flat, kernel))
    if call.option("KeepNumDims", default=False) and flat is not x:
        result = tf.reshape(result, [*sizes(x)[:-1], outputs])
    return result


def _batch_matmul(call: Call) -> Any:
    import tensorflow as tf

    return tf.matmul(
        call.inputs[0],
        call.inputs[1],
        transpose_a=bool(call.option("AdjX")),
        transpose_b=bool(call.option("AdjY")),
    )


def _pool(kind: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        size = [1, _positive(call, "FilterHeight"), _positive(call, "FilterWidth"), 1]
        arguments = {"ksize": size, "strides": strides(call), "padding": padding(call)}
        if kind == "max":
            return tf.raw_ops.MaxPool(input=call.inputs[0], **arguments)
        if kind == "average":
            return tf.raw_ops.AvgPool(value=call.inputs[0], **arguments)
        return tf.sqrt(tf.raw_ops.AvgPool(value=tf.square(call.inputs[0]), **arguments))

    return write


OPERATORS: Mapping[str, Write] = {
    "CONV_2D": _conv_2d,
    "CONV_3D": _conv_3d,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transpose_conv,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
    "MAX_POOL_2D": _pool("max"),
    "AVERAGE_POOL_2D": _pool("average"),
    "L2_POOL_2D": _pool("l2"),
}
