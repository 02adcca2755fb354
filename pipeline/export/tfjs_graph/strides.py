"""Convolutions with SAME padding and strides over their kernel, with the padding written out.

What SAME pads may then be less than nothing, where the last window does not reach the image's end.
TF.js 4.22's wasm backend gives zeros for these: XNNPACK takes the negative number for a huge one.
"""

from __future__ import annotations

from typing import Any

from pipeline.graphs.tensorflow.splicing import Build, splice, tensors_of

CONVOLUTIONS = frozenset(("Conv2D", "DepthwiseConv2dNative"))


def write_padding(graph_def: Any, graph: Any) -> bool:
    """Let such convolutions pad nothing, behind a padding where there is some; in place.

    Args:
        graph_def: is changed.
        graph: the same as a ``tf.Graph``, which knows shapes.

    Returns:
        Whether there was any.
    """
    tensors = tensors_of(graph)
    changed = False
    for node in list(graph_def.node):
        if node.op not in CONVOLUTIONS or node.attr["padding"].s != b"SAME":
            continue
        image, kernel = (tensors[source] for source in node.input[:2])
        if None in (image.shape.rank, kernel.shape.rank):
            continue
        strides = list(node.attr["strides"].list.i)[1:3]
        sizes = kernel.shape.as_list()[:2]
        if node.attr["data_format"].s != b"NCHW" and _may_fall_short(image, sizes, strides):
            splice(graph_def, node, _padded(node, sizes, strides), [image, kernel])
            changed = True
    return changed


def _may_fall_short(image: Any, kernel: list[int | None], strides: list[int]) -> bool:
    """Whether in some direction the last window may end before the image does."""
    axes = zip(image.shape.as_list()[1:3], kernel, strides, strict=True)
    return any(
        size is not None and size < stride and (length is None or last(length, stride) > size)
        for length, size, stride in axes
    )


def last(length: Any, stride: int) -> Any:
    """How much of the image the last window has before it: 1 to ``stride``."""
    return (length - 1) % stride + 1


def _padded(node: Any, kernel: list[int], strides: list[int]) -> Build:
    import tensorflow as tf

    operation = getattr(tf.raw_ops, node.op)
    attributes = {
        "strides": list(node.attr["strides"].list.i),
        "dilations": list(node.attr["dilations"].list.i) or [1, 1, 1, 1],
        "padding": "VALID",
    }

    def build(image: Any, weights: Any) -> Any:
        lengths = image.shape.as_list()[1:3]
        if None in lengths:
            shape = tf.shape(image)
            lengths = [shape[i + 1] if n is None else n for i, n in enumerate(lengths)]
        margins = [pads(*axis) for axis in zip(lengths, kernel, strides, strict=True)]
        if margins != [[0, 0], [0, 0]]:
            image = tf.pad(image, tf.stack([[0, 0], *map(tf.stack, margins), [0, 0]]))
        return operation(input=image, filter=weights, **attributes)

    return build


def pads(length: Any, kernel: int, stride: int) -> list[Any]:
    """Before and behind: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2."""
    import tensorflow as tf

    short = kernel - last(length, stride)
    total = max(short, 0) if isinstance(length, int) else tf.maximum(short, 0)
    return [total // 2, total - total // 2]
