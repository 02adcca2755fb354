"""Convolutions with groups as several without: no backend of TF.js 4.22 has groups.

``tf.conv2d`` refuses a filter that reads fewer channels than there are; TensorFlow takes it for one
of so many groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tensorflow.splicing import Build


def split(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """A ``Conv2D`` or ``Conv3D`` as one for each of its groups; ``None`` where it has none."""
    if node.attr["data_format"].s.startswith(b"NC"):
        return None
    image, kernel = (tensors[source] for source in node.input[:2])
    channels, read = image.shape[-1], kernel.shape[-2]
    return _grouped(node, channels // read) if channels and read and channels != read else None


def _grouped(node: Any, groups: int) -> Build:
    import tensorflow as tf

    attributes: dict[str, Any] = {
        "strides": list(node.attr["strides"].list.i),
        "padding": node.attr["padding"].s.decode(),
    }
    if dilations := list(node.attr["dilations"].list.i):
        attributes["dilations"] = dilations
    if explicit := list(node.attr["explicit_paddings"].list.i):
        attributes["explicit_paddings"] = explicit
    convolve = getattr(tf.raw_ops, node.op)

    def build(image: Any, kernel: Any) -> Any:
        parts = zip(tf.split(image, groups, -1), tf.split(kernel, groups, -1), strict=True)
        return tf.concat([convolve(input=i, filter=k, **attributes) for i, k in parts], -1)

    return build
