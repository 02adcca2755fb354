"""Operators that ONNX or TF.js has not, in ones that both have: the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tensorflow.splicing import Build
from pipeline.tensors.arrays import np


def erfc(node: Any, tensors: Mapping[str, Any]) -> Build:
    """Keras' exact GELU reads it; neither format has it."""
    import tensorflow as tf

    return lambda x: tf.ones([], x.dtype) - tf.math.erf(x)


def expm1(node: Any, tensors: Mapping[str, Any]) -> Build:
    """ONNX has none. Near zero it loses digits that sums with numbers of about one lose anyway."""
    import tensorflow as tf

    return lambda x: tf.exp(x) - tf.ones([], x.dtype)


def log1p(node: Any, tensors: Mapping[str, Any]) -> Build:
    """tf2onnx has none; near zero it loses the digits that ``expm1`` loses."""
    import tensorflow as tf

    return lambda x: tf.math.log(x + tf.ones([], x.dtype))


def softsign(node: Any, tensors: Mapping[str, Any]) -> Build:
    """TF.js' converter has none."""
    import tensorflow as tf

    return lambda x: x / (tf.abs(x) + tf.ones([], x.dtype))


def bucketize(node: Any, tensors: Mapping[str, Any]) -> Build:
    """How many boundaries are not above each value."""
    import tensorflow as tf

    bounds = np.array(list(node.attr["boundaries"].list.f), np.float32)

    def build(x: Any) -> Any:
        reached = tf.cast(tf.expand_dims(x, -1), tf.float32) >= tf.constant(bounds)
        return tf.reduce_sum(tf.cast(reached, tf.int32), -1)

    return build


def resized(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Resizing between sizes that are known: a matrix for the rows, and one for the columns.

    Such a resizing is linear, and does the same to each row and to each column. So what it makes of
    the rows of an identity matrix is its matrix.
    """
    import tensorflow as tf

    image, constants = tensors[node.input[0]], [_value(tensors[name]) for name in node.input[1:]]
    sizes: list[Any] = image.shape.as_list()[1:] if image.shape.rank == 4 else [None]
    if None in sizes or any(value is None for value in constants):
        return None
    height, width, channels = sizes
    attributes = _attributes(node)
    rows = _matrix(node.op, height, 0, constants, attributes)
    columns = _matrix(node.op, width, 1, constants, attributes)

    def build(x: Any) -> Any:
        x = tf.transpose(tf.cast(x, tf.float32), [0, 3, 1, 2])
        x = tf.reshape(x, [-1, width]) @ tf.constant(columns.T)
        x = tf.transpose(tf.reshape(x, [-1, channels, height, len(columns)]), [0, 1, 3, 2])
        x = tf.reshape(x, [-1, height]) @ tf.constant(rows.T)
        return tf.transpose(tf.reshape(x, [-1, channels, len(columns), len(rows)]), [0, 3, 2, 1])

    return build


def _matrix(
    operator: str, size: int, axis: int, constants: list[Any], attributes: dict[str, Any]
) -> Any:
    """[new size, size]: what the operator makes of as many channels as there are rows."""
    import tensorflow as tf

    # The other axis has one pixel, which stays as it is.
    plain = {0: 1, 1: 1.0, 2: 0.0}
    alone = [np.array(value) for value in constants]
    for index, value in enumerate(alone):
        value[1 - axis] = plain[index]
    pixels = np.eye(size, dtype=np.float32).reshape([1, size, 1, size])
    pixels = pixels if axis == 0 else pixels.reshape([1, 1, size, size])
    with tf.Graph().as_default() as graph:
        pixels_out = getattr(tf.raw_ops, operator)(
            images=pixels, **_named(operator, alone), **attributes
        )
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(pixels_out).reshape(-1, size)


def _named(operator: str, constants: list[Any]) -> dict[str, Any]:
    names = ("size", "scale", "translation") if operator == "ScaleAndTranslate" else ("size",)
    return dict(zip(names, constants, strict=True))


def _attributes(node: Any) -> dict[str, Any]:
    flags = ("align_corners", "half_pixel_centers", "antialias")
    attributes = {name: node.attr[name].b for name in flags if name in node.attr}
    if "kernel_type" in node.attr:
        attributes["kernel_type"] = node.attr["kernel_type"].s.decode()
    return attributes


def _value(tensor: Any) -> Any:
    """What a tensor is whatever the inputs are; ``None`` where they, or a free size, decide it."""
    import tensorflow as tf

    shapes, waiting, seen = {}, [tensor.op], set()
    while waiting:
        operation = waiting.pop()
        if operation.type == "Placeholder" or (
            operation.type == "Shape" and operation.inputs[0].shape.rank is None
        ):
            return None
        if operation.type == "Shape":
            shapes[operation.outputs[0]] = operation.inputs[0].shape.as_list()
        elif operation not in seen:
            waiting += [source.op for source in operation.inputs]
        seen.add(operation)
    with tf.compat.v1.Session(graph=tensor.graph) as session:
        # Two values for what is free: the same result does not depend on it.
        first, second = (session.run(tensor, _feeds(shapes, free)) for free in (1, 2))
    return first if np.array_equal(first, second) else None


def _feeds(shapes: Mapping[Any, list[int | None]], free: int) -> dict[Any, list[int]]:
    return {
        tensor: [free if size is None else size for size in sizes]
        for tensor, sizes in shapes.items()
    }
