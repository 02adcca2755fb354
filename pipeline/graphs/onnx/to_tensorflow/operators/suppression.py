"""Suppression of boxes that overlap better ones, for each image and class by itself."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.tensors.arrays import np

#: Images times classes: each has nodes of its own.
MOST_RUNS = 256


@operator("NonMaxSuppression")
def suppress(node: Node) -> Any:
    """Indices [n, 3] of image, class and box, the best of a class first."""
    import tensorflow as tf

    images, classes, count = node.value(1).shape
    if images is None or classes is None or images * classes > MOST_RUNS:
        raise UncoveredError(
            f"a free number of images or classes, or more than {MOST_RUNS} of both together,"
        )
    most = int(node.constant(2, "a number of boxes").reshape(())) if node.has(2) else 0
    if most < 1:
        return tf.zeros([0, 3], tf.int32)
    most = most if count is None else min(most, count)
    overlap = _threshold(node, 3, 0.0)
    least = _threshold(node, 4, float("-inf"))
    boxes, scores = _corners(node), node.tensor(1)
    parts = []
    for image in range(images):
        for kind in range(classes):
            kept = tf.image.non_max_suppression(
                boxes[image], scores[image, kind], most, overlap, least
            )
            zeros = tf.zeros_like(kept)
            parts.append(tf.stack([zeros + image, zeros + kind, kept], axis=1))
    return tf.concat(parts, axis=0)


def _threshold(node: Node, index: int, usual: float) -> float:
    value = node.constant(index, "a threshold") if node.has(index) else np.float32(usual)
    return float(np.reshape(value, ()))


def _corners(node: Node) -> Any:
    """Boxes [images, n, 4] by two corners."""
    import tensorflow as tf

    boxes = node.tensor(0)
    if not node.attribute("center_point_box", 0):
        return boxes
    x, y, width, height = tf.unstack(boxes, axis=-1)
    corners = [y - height / 2, x - width / 2, y + height / 2, x + width / 2]
    return tf.stack(corners, axis=-1)
