"""MediaPipe's own operators (``mediapipe/util/tflite/operations`` says what they compute).

The face mesh with attention cuts eyes and lips out of its features, turned upright, and puts what
it finds there back: a matrix of landmarks, features resampled by it, landmarks moved by it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tflite.call import Call, UnsupportedError, Write, transpose
from pipeline.graphs.tflite.operators.convolutions import PADDING, add_bias
from pipeline.tensors.arrays import np

#: More indices than any mesh has points.
MOST_INDICES = 2**16


def _options(call: Call) -> Any:
    """A map of numbers; nothing in it is followed but what is asked for."""
    from flatbuffers import flexbuffers

    return flexbuffers.GetRoot(bytearray(call.node.custom)).AsMap


def _indices(call: Call, name: str) -> list[int]:
    reference = _options(call)[name]
    vector = reference.AsTypedVector if reference.IsTypedVector else reference.AsVector
    if not 0 < len(vector) <= MOST_INDICES:
        raise UnsupportedError(f"with {len(vector)} {name}")
    return [int(item.AsInt) for item in vector]


def _transposed_with_bias(call: Call) -> Any:
    """The options are three int32: padding (1 is SAME), and the strides across and down."""
    import tensorflow as tf

    padding, across, down = struct.unpack_from("<3i", call.node.custom)
    if padding not in (1, 2) or across < 1 or down < 1:
        raise UnsupportedError(f"with the options {(padding, across, down)}")
    image = call.inputs[0]
    outputs, *kernel = call.inputs[1].shape[:3]
    sizes = [
        _grown(size, filter_size, stride, same=padding == 1)
        for size, filter_size, stride in zip(image.shape[1:3], kernel, (down, across), strict=True)
    ]
    result = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=[image.shape[0] or tf.shape(image)[0], *sizes, outputs],
        filter=call.weights(1, lambda weights: transpose(weights, (1, 2, 0, 3))),
        out_backprop=image,
        strides=[1, down, across, 1],
        padding=PADDING[padding - 1],
    )
    return add_bias(call, result)


def _grown(size: int, kernel: int, stride: int, *, same: bool) -> int:
    padding = max(0, kernel - (size - 1) % stride - 1) if same else 0
    return stride * (size - 1) + kernel - padding


def _matrix(call: Call) -> Any:
    """Landmarks [1, n, 3] -> [1, 4, 4], from pixels of a patch to where they are in the image.

    The patch holds the chosen landmarks, turned so that the way from the left one to the right one
    has the target angle, and scaled.
    """
    import tensorflow as tf

    if len(call.inputs[0].shape) != 3:
        raise UnsupportedError("of version 1")
    options, points = _options(call), call.inputs[0][0, :, :2]
    left, right = (options[f"{side}_rotation_idx"].AsInt for side in ("left", "right"))
    angle = options["target_rotation_radians"].AsFloat
    sizes = np.array([options[f"output_{side}"].AsInt for side in ("width", "height")], np.float32)
    scales = np.array([options[f"scale_{axis}"].AsFloat for axis in "xy"], np.float32)
    back = _turn(points[right] - points[left], angle)
    # Turned by the inverse, which is the transpose: rows are points.
    turned = tf.matmul(tf.gather(points, _indices(call, "subset_idxs")), back)
    low, high = tf.reduce_min(turned, 0), tf.reduce_max(turned, 0)
    centre = tf.linalg.matvec(back, (low + high) / 2.0)
    linear = back * ((high - low) * (scales / sizes))
    offset = centre - tf.linalg.matvec(linear, sizes / 2)
    rows = tf.concat([linear, tf.zeros([2, 1]), offset[:, None]], 1)
    rest = tf.constant([[0.0, 0, 1, 0], [0, 0, 0, 1]])
    return tf.concat([rows, rest], 0)[None]


def _turn(way: Any, target: float) -> Any:
    """The matrix [2, 2] that turns back: by the angle of a way, less the target.

    Of its sine and cosine, so that no arc tangent is needed, which ONNX has not.
    """
    import tensorflow as tf

    length = tf.norm(way)
    x, y = tf.unstack(way / tf.maximum(length, 1e-30))
    # The arc tangent of nothing is zero.
    x = tf.where(length > 0, x, 1.0)
    cosine, sine = math.cos(target), math.sin(target)
    c, s = cosine * x + sine * y, sine * x - cosine * y
    return tf.stack([tf.stack([c, s]), tf.stack([-s, c])])


def _resampled(call: Call) -> Any:
    """Features [1, h, w, c] at where a matrix puts the middles of a patch's pixels; 0 outside."""
    import tensorflow as tf

    options, (features, matrix) = _options(call), call.inputs
    height, width = (options[f"output_{side}"].AsInt for side in ("height", "width"))
    if not (0 < height <= MOST_INDICES and 0 < width <= MOST_INDICES):
        raise UnsupportedError(f"to {height} x {width}")
    _, rows, columns, channels = features.shape
    across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    middles = np.stack([across.ravel(), down.ravel()], 1).astype(np.float32)
    places = tf.matmul(middles, matrix[0, :2, :2], transpose_b=True) + matrix[0, :2, 3] - 0.5
    last = np.array([columns - 1, rows - 1], np.float32)
    inside = tf.reduce_all(tf.logical_and(places >= 0.0, places <= last), 1)
    first = tf.clip_by_value(tf.floor(places), 0.0, last)
    share = places - first
    flat, parts = tf.reshape(features, [-1, channels]), []
    for right, lower in ((0, 0), (1, 0), (0, 1), (1, 1)):
        corner = tf.minimum(first + np.array([right, lower], np.float32), last)
        x, y = tf.unstack(tf.cast(corner, tf.int32), axis=1)
        weight = (share if right else 1.0 - share)[:, 0] * (share if lower else 1.0 - share)[:, 1]
        weight = weight * tf.cast(inside, tf.float32)
        parts.append(tf.gather(flat, y * columns + x) * weight[:, None])
    return tf.reshape(tf.add_n(parts), [1, height, width, channels])


def _moved(call: Call) -> Any:
    """Landmarks [1, n, 2 or 3] by a matrix; a third number of each stays."""
    import tensorflow as tf

    points, matrix = call.inputs
    if len(points.shape) != 3 or points.shape[2] not in (2, 3):
        raise UnsupportedError("of version 1")
    moved = tf.matmul(points[0, :, :2], matrix[0, :2, :2], transpose_b=True) + matrix[0, :2, 3]
    return tf.concat([moved, points[0, :, 2:]], 1)[None] if points.shape[2] == 3 else moved[None]


OPERATORS: Mapping[str, Write] = {
    "Convolution2DTransposeBias": _transposed_with_bias,
    "Landmarks2TransformMatrix": _matrix,
    "TransformTensorBilinear": _resampled,
    "TransformLandmarks": _moved,
}
