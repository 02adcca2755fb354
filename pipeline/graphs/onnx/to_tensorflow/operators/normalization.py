"""Norms: by moments that are kept, or that are computed of the input."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value, aligned, channels_last
from pipeline.tensors.arrays import np


@operator("BatchNormalization")
def batch_norm(node: Node) -> Value:
    """Of four axes TensorFlow's own, which is folded into a convolution before it."""
    import tensorflow as tf

    if node.attribute("training_mode", 0):
        raise UncoveredError("a batch norm in training mode")
    value, epsilon = node.value(), node.attribute("epsilon", 1e-5)
    names = ("a scale", "an offset", "a mean", "a variance")
    scale, offset, mean, variance = (node.constant(i + 1, what) for i, what in enumerate(names))
    order = channels_last(value.rank)
    if value.rank == 4 and value.dtype == tf.float32:
        moments = [Value(constant=array).raw for array in (scale, offset, mean, variance)]
        result = tf.raw_ops.FusedBatchNormV3(
            x=value.ordered(order),
            scale=moments[0],
            offset=moments[1],
            mean=moments[2],
            variance=moments[3],
            epsilon=epsilon,
            is_training=False,
        )
        return Value(result.y, order)
    factor = scale / np.sqrt(variance + epsilon)
    return _affine(value, factor.astype(scale.dtype), (offset - mean * factor).astype(scale.dtype))


def _affine(value: Value, factor: Any, offset: Any) -> Value:
    """x * factor + offset, of each channel."""
    shape = [-1] + [1] * (value.rank - 2)
    constants = [Value(constant=array.reshape(shape)) for array in (factor, offset)]
    (x, f, o), order = aligned([value, *constants])
    return Value(x * f + o, order)


def _normalized(x: Any, axes: list[int], epsilon: float) -> Any:
    """(x - mean) / sqrt(variance + epsilon) over these axes."""
    import tensorflow as tf

    centred = x - tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    return centred * tf.math.rsqrt(variance + tf.cast(epsilon, x.dtype))


@operator("LayerNormalization", "RMSNormalization")
def layer_norm(node: Node) -> Any:
    """Over the last axes, from ``axis`` on."""
    import tensorflow as tf

    if len([name for name in node.outputs() if name]) > 1:
        raise UncoveredError("a second output, the moments,")
    x = node.tensor()
    axes = list(range(node.attribute("axis", -1) % x.shape.rank, x.shape.rank))
    epsilon = node.attribute("epsilon", 1e-5)
    if node.operator == "RMSNormalization":
        square = tf.reduce_mean(tf.square(x), axes, keepdims=True)
        return x * tf.math.rsqrt(square + tf.cast(epsilon, x.dtype)) * node.tensor(1)
    scaled = _normalized(x, axes, epsilon) * node.tensor(1)
    return scaled + node.tensor(2) if node.has(2) else scaled


@operator("InstanceNormalization")
def instance_norm(node: Node) -> Value:
    value = node.value()
    axes = [value.axis(axis) for axis in range(2, value.rank)]
    norm = Value(_normalized(value.raw, axes, node.attribute("epsilon", 1e-5)), value.order)
    return _of_channels(norm, node)


def _of_channels(value: Value, node: Node) -> Value:
    """Scaled and shifted by inputs 1 and 2, one number a channel."""
    import tensorflow as tf

    shape = [-1] + [1] * (value.rank - 2)
    operands = []
    for index in (1, 2):
        operand = node.value(index)
        if operand.constant is None:
            operands.append(Value(tf.reshape(operand.raw, shape)))
        else:
            operands.append(Value(constant=operand.constant.reshape(shape)))
    (x, scale, offset), order = aligned([value, *operands])
    return Value(x * scale + offset, order)


@operator("GroupNormalization")
def group_norm(node: Node) -> Value:
    """Until opset 21 it has a scale and an offset for each group, since then for each channel."""
    import tensorflow as tf

    value, groups = node.value(), node.attribute("num_groups")
    channels = value.shape[1]
    if channels is None or not groups or channels % groups:
        raise UncoveredError("groups of a free number of channels")
    order = channels_last(value.rank)
    image = value.ordered(order)
    spatial = image.shape.as_list()[1:-1]
    if None in spatial:
        raise UncoveredError("groups in an image of free size")
    flat = tf.reshape(image, [-1, int(np.prod(spatial)), groups, channels // groups])
    flat = _normalized(flat, [1, 3], node.attribute("epsilon", 1e-5))
    if node.opset < 21:
        scale, offset = (tf.reshape(node.tensor(index), [groups, 1]) for index in (1, 2))
        flat = flat * scale + offset
    norm = Value(tf.reshape(flat, [-1, *spatial, channels]), order)
    return norm if node.opset < 21 else _of_channels(norm, node)


@operator("LRN")
def local_response(node: Node) -> Value:
    import tensorflow as tf

    value, size = node.value(), node.attribute("size")
    if value.rank != 4 or size % 2 == 0:
        raise UncoveredError("a local response norm over an even number of channels")
    order = channels_last(4)
    result = tf.nn.local_response_normalization(
        value.ordered(order),
        (size - 1) // 2,
        node.attribute("bias", 1.0),
        node.attribute("alpha", 1e-4) / size,
        node.attribute("beta", 0.75),
    )
    return Value(result, order)


@operator("LpNormalization")
def lp_norm(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    axis = value.axis(node.attribute("axis", -1))
    if node.attribute("p", 2) == 1:
        length = tf.reduce_sum(tf.abs(value.raw), axis, keepdims=True)
    else:
        length = tf.sqrt(tf.reduce_sum(tf.square(value.raw), axis, keepdims=True))
    return Value(tf.math.divide_no_nan(value.raw, length), value.order)


@operator("MeanVarianceNormalization")
def mean_variance(node: Node) -> Value:
    """ONNX adds 1e-9 to the deviation, not to the variance."""
    import tensorflow as tf

    value = node.value()
    axes = [value.axis(axis) for axis in node.attribute("axes", [0, 2, 3])]
    mean = tf.reduce_mean(value.raw, axes, keepdims=True)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(value.raw - mean), axes, keepdims=True))
    return Value((value.raw - mean) / (deviation + 1e-9), value.order)
