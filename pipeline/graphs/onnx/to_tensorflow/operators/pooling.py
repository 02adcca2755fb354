"""Pools: the largest or the mean of windows, or of whole images."""

from __future__ import annotations

from dataclasses import replace
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
from pipeline.tensors.arrays import Float32s, np


@operator("GlobalAveragePool", "GlobalMaxPool")
def whole(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    axes = sorted(value.axis(axis) for axis in range(2, value.rank))
    reduce = tf.reduce_mean if node.operator == "GlobalAveragePool" else tf.reduce_max
    return Value(reduce(value.raw, axes, keepdims=True), value.order)


@operator("MaxPool")
def max_pool(node: Node) -> Value:
    if len([name for name in node.outputs() if name]) > 1:
        raise UncoveredError("a second output, where the largest stood,")
    value = node.value()
    spans = windows(node, node.attribute("kernel_shape", []), value)
    pads = _with_ceiling(node, spans)
    image = image_of(value)
    if spans.is_same() and pads == spans.pads:
        return value_of(_pool(image, "MAX", spans, "SAME"), spans)
    # What is padded is never the largest.
    lowest = image.dtype.min
    return value_of(_pool(pad(image, pads, lowest), "MAX", spans, "VALID"), spans)


@operator("AveragePool")
def average_pool(node: Node) -> Value:
    value = node.value()
    spans = windows(node, node.attribute("kernel_shape", []), value)
    pads = _with_ceiling(node, spans)
    image = image_of(value)
    counted = bool(node.attribute("count_include_pad", 0))
    if not counted and spans.is_same() and pads == spans.pads:
        return value_of(_pool(image, "AVG", spans, "SAME"), spans)
    mean = _pool(pad(image, pads), "AVG", spans, "VALID")
    if any(map(any, pads)) and not (counted and pads == spans.pads):
        mean *= _share(image, spans, pads, counted)
    return value_of(mean, spans)


def _pool(image: Any, kind: str, spans: Windows, padding: str) -> Any:
    """Windows with gaps are pooled at each pixel; those wanted are taken."""
    import tensorflow as tf

    dilated = set(spans.dilations) != {1}
    strides = [1] * len(spans.strides) if dilated else spans.strides
    if dilated and padding == "SAME" and set(spans.strides) != {1}:
        image, padding = pad(image, spans.pads, image.dtype.min if kind == "MAX" else 0), "VALID"
    result = tf.nn.pool(
        image, spans.kernel, kind, strides=strides, padding=padding, dilations=spans.dilations
    )
    if dilated and set(spans.strides) != {1}:
        steps = [slice(None, None, stride) for stride in spans.strides]
        result = result[(slice(None), *steps)]
    return result


def _with_ceiling(node: Node, spans: Windows) -> Pairs:
    """The padding, and behind it what a last window needs that is not whole.

    As ONNX Runtime has it, no window begins behind the image and the padding before it.
    """
    if not node.attribute("ceil_mode", 0) or node.attribute("auto_pad", "NOTSET") != "NOTSET":
        return spans.pads
    pads = []
    axes = zip(spans.sizes, spans.reach, spans.strides, spans.pads, strict=True)
    for size, reach, stride, (before, behind) in axes:
        if stride == 1:
            pads.append((before, behind))
            continue
        if size is None:
            raise UncoveredError("ceil_mode of a free size")
        count = -(-(size + before + behind - reach) // stride) + 1
        count -= (count - 1) * stride >= size + before
        needed = (count - 1) * stride + reach - size - before
        pads.append((before, max(needed, behind)))
    return pads


def _share(image: Any, spans: Windows, pads: Pairs, counted: bool) -> Any:
    """A window's size by how many of its pixels count, [1, …, 1]."""
    import tensorflow as tf

    if None in spans.sizes:
        ones = tf.ones_like(image[..., :1])
        ones = pad(pad(ones, spans.pads, 1.0), _beyond(spans, pads)) if counted else pad(ones, pads)
        return 1.0 / _pool(ones, "AVG", spans, "VALID")
    shares = [_counts(spans, pads, axis, counted) for axis in range(len(pads))]
    share = shares[0]
    for other in shares[1:]:
        share = np.multiply.outer(share, other)
    return tf.constant(share[None, ..., None].astype(image.dtype.as_numpy_dtype))


def _beyond(spans: Windows, pads: Pairs) -> Pairs:
    together = zip(pads, spans.pads, strict=True)
    return [(0, more[1] - own[1]) for more, own in together]


def _counts(spans: Windows, pads: Pairs, axis: int, counted: bool) -> Float32s:
    """Along one axis: the window's size by how many of its pixels count."""
    along = replace(spans, kernel=[spans.kernel[axis]], dilations=[spans.dilations[axis]])
    size = spans.sizes[axis] or 0
    before, behind = spans.pads[axis]
    line = np.zeros(size + sum(pads[axis]))
    begin, end = (0, before + size + behind) if counted else (before, before + size)
    line[begin:end] = 1
    starts = range(0, len(line) - along.reach[0] + 1, spans.strides[axis])
    taken = [line[s : s + along.reach[0] : along.dilations[0]].sum() for s in starts]
    return np.array([along.kernel[0] / max(n, 1) for n in taken], np.float32)
