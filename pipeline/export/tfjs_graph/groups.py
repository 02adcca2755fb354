"""Convolutions with groups as several without: no backend of TF.js 4.22 has groups.

``tf.conv2d`` refuses a filter that reads fewer channels than there are; TensorFlow takes it for one
of so many groups.
"""

from __future__ import annotations

from typing import Any

from pipeline.graphs.tensorflow.spread import Build, splice, tensors_of


def split_groups(graph_def: Any, graph: Any) -> bool:
    """Cut each ``Conv2D`` that has groups into one for each of them, in place.

    Args:
        graph_def: is changed.
        graph: the same as a ``tf.Graph``, which knows shapes.

    Returns:
        Whether there was any.
    """
    tensors = tensors_of(graph)
    grouped = False
    for node in list(graph_def.node):
        if node.op != "Conv2D" or node.attr["data_format"].s == b"NCHW":
            continue
        image, kernel = (tensors[source] for source in node.input[:2])
        channels, read = image.shape[-1], kernel.shape[-2]
        if channels and read and channels != read:
            splice(graph_def, node, _grouped(node, channels // read), [image, kernel])
            grouped = True
    return grouped


def _grouped(node: Any, groups: int) -> Build:
    import tensorflow as tf

    attributes = {
        "strides": list(node.attr["strides"].list.i),
        "padding": node.attr["padding"].s.decode(),
        "dilations": list(node.attr["dilations"].list.i) or [1, 1, 1, 1],
        "explicit_paddings": list(node.attr["explicit_paddings"].list.i),
    }

    def build(image: Any, kernel: Any) -> Any:
        parts = zip(tf.split(image, groups, -1), tf.split(kernel, groups, -1), strict=True)
        convolved = [tf.raw_ops.Conv2D(input=i, filter=k, **attributes) for i, k in parts]
        return tf.concat(convolved, -1)

    return build
