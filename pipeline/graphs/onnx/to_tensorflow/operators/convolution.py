"""Convolutions, also those that make images larger."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.spatial import (
    Pairs,
    Windows,
    image_of,
    pad,
    value_of,
    windows,
)
from pipeline.graphs.onnx.to_tensorflow.value import Value
from pipeline.tensors.arrays import np


@operator("Conv")
def conv(node: Node) -> Value:
    import tensorflow as tf

    value, kernel = node.value(0), node.value(1)
    spans = windows(node, _known(kernel.shape[2:]), value)
    image, groups = image_of(value), node.attribute("group", 1)
    # ONNX has [out, in / groups, …].
    weights = _weights(kernel, (*range(2, kernel.rank), 1, 0), spans)
    depthwise = groups > 1 and groups == value.shape[1] and kernel.shape[1] == 1
    if depthwise and len(spans.kernel) == 2 and len(set(spans.strides)) == 1:
        result = _depthwise(image, weights, groups, spans)
    elif len(spans.kernel) == 2:
        result = _conv2d(image, weights, spans)
    else:
        result = tf.nn.conv3d(
            pad(image, spans.pads),
            weights,
            [1, *spans.strides, 1],
            "VALID",
            dilations=[1, *spans.dilations, 1],
        )
    return value_of(_biased(node, result), spans)


def _known(sizes: Any) -> list[int]:
    if None in sizes:
        raise UncoveredError("a kernel of free size")
    return list(sizes)


def _weights(kernel: Value, order: tuple[int, ...], spans: Windows) -> Any:
    """The kernel in TensorFlow's order, [height, width, …]."""
    weights = kernel.array(order)
    return weights if spans.pixels else weights[None]


def _conv2d(image: Any, weights: Any, spans: Windows) -> Any:
    import tensorflow as tf

    padding: Any = "VALID"
    if spans.padded:
        padding = "SAME" if spans.is_same() else [(0, 0), *spans.pads, (0, 0)]
    return tf.nn.conv2d(
        image, tf.convert_to_tensor(weights), spans.strides, padding, dilations=spans.dilations
    )


def _depthwise(image: Any, weights: Any, channels: int, spans: Windows) -> Any:
    """[h, w, 1, channels * multiplier]: the multiplier counts within a channel."""
    import tensorflow as tf

    shape = [*spans.kernel, channels, -1]
    kernel = (tf if isinstance(weights, tf.Tensor) else np).reshape(weights, shape)
    strides, dilated = [1, *spans.strides, 1], spans.dilations != [1, 1]
    if dilated and spans.strides != [1, 1]:
        raise UncoveredError("a depthwise convolution with strides and dilations")
    padding: Any = "SAME" if spans.padded and spans.is_same() else "VALID"
    if padding == "VALID" and spans.padded:
        if dilated:
            image = pad(image, spans.pads)
        else:
            padding = [(0, 0), *spans.pads, (0, 0)]
    return tf.nn.depthwise_conv2d(
        image, tf.convert_to_tensor(kernel), strides, padding, dilations=spans.dilations
    )


def _biased(node: Node, image: Any) -> Any:
    import tensorflow as tf

    return tf.nn.bias_add(image, node.tensor(2)) if node.has(2) else image


@operator("ConvTranspose")
def conv_transpose(node: Node) -> Value:
    import tensorflow as tf

    value, kernel = node.value(0), node.value(1)
    spans = windows(_without_padding(node), _known(kernel.shape[2:]), value)
    more, cut = _end(node, spans)
    # ONNX has [in, out / groups, …].
    weights = _weights(kernel, (*range(2, kernel.rank), 1, 0), spans)
    if spans.dilations != [1] * len(spans.dilations):
        weights, spans = _dilated(weights, spans)
    image, groups = image_of(value), node.attribute("group", 1)
    parts = zip(
        tf.split(image, groups, -1) if groups > 1 else [image],
        tf.split(weights, groups, -1) if groups > 1 else [weights],
        strict=True,
    )
    results = [_enlarged(*part, spans, more, cut) for part in parts]
    result = tf.concat(results, -1) if groups > 1 else results[0]
    return value_of(_biased(node, result), spans)


def _without_padding(node: Node) -> Node:
    """The same node, whose padding cuts the result and not the image."""
    from dataclasses import replace

    proto = type(node.proto)()
    proto.CopyFrom(node.proto)
    others = [a for a in node.proto.attribute if a.name not in ("pads", "auto_pad")]
    del proto.attribute[:]
    proto.attribute.extend(others)
    return replace(node, proto=proto)


def _end(node: Node, spans: Windows) -> tuple[list[int], Pairs]:
    """How much larger the whole result is than windows reach, and what is cut off it."""
    count = len(spans.sizes)
    fill = [] if spans.pixels else [0]
    more = [*fill, *node.attribute("output_padding", [0] * (count - len(fill)))]
    mode, wanted = node.attribute("auto_pad", "NOTSET"), node.attribute("output_shape")
    if mode == "NOTSET" and not wanted:
        pads = node.attribute("pads", [0] * 2 * (count - len(fill)))
        half = len(pads) // 2
        return more, [(0, 0)] * len(fill) + list(zip(pads[:half], pads[half:], strict=True))
    if mode == "VALID":
        return more, [(0, 0)] * count
    ends = [1, *wanted[-(count - 1) :]] if wanted and fill else wanted and wanted[-count:]
    cut = []
    for i, (reach, stride) in enumerate(zip(spans.reach, spans.strides, strict=True)):
        total = max(reach + more[i] - stride, 0)
        if ends:
            size = spans.sizes[i]
            if size is None:
                raise UncoveredError("an output_shape of an image of free size")
            total = (size - 1) * stride + reach + more[i] - ends[i]
            if total < 0:
                more[i], total = more[i] - total, 0
        small, large = total // 2, total - total // 2
        cut.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return more, cut


def _dilated(weights: Any, spans: Windows) -> tuple[Any, Windows]:
    """A kernel with zeros between its pixels: TensorFlow's does not spread them."""
    from dataclasses import replace

    if not isinstance(weights, np.ndarray):
        raise UncoveredError("a dilated kernel that the model computes")
    wide = np.zeros([*spans.reach, *weights.shape[-2:]], weights.dtype)
    wide[tuple(slice(None, None, dilation) for dilation in spans.dilations)] = weights
    return wide, replace(spans, kernel=spans.reach, dilations=[1] * len(spans.dilations))


def _enlarged(image: Any, weights: Any, spans: Windows, more: list[int], cut: Pairs) -> Any:
    """One group: [n, …, in] and [k…, out, in] -> [n, …, out]."""
    import tensorflow as tf

    same = all(
        reach + extra - stride == sum(pair) and max(reach - stride, 0) // 2 == pair[0]
        for reach, stride, extra, pair in zip(spans.reach, spans.strides, more, cut, strict=True)
    )
    shape = tf.shape(image)
    sizes: list[Any] = []
    for i, stride in enumerate(spans.strides):
        known = spans.sizes[i]
        size: Any = shape[i + 1] if known is None else known
        sizes.append(size * stride if same else (size - 1) * stride + spans.reach[i] + more[i])
    batch = shape[0] if image.shape[0] is None else image.shape[0]
    function = tf.nn.conv2d_transpose if len(sizes) == 2 else tf.nn.conv3d_transpose
    strides = [1, *spans.strides, 1]
    padding = "SAME" if same else "VALID"
    output = [batch, *sizes, weights.shape[-2]]
    result = function(image, tf.convert_to_tensor(weights), output, strides, padding)
    if same or not any(map(any, cut)):
        return result
    kept = [slice(before, -behind if behind else None) for before, behind in cut]
    return result[(slice(None), *kept)]
