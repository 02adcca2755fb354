"""What changes shapes and no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, Size, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.operators.reduction import left
from pipeline.graphs.onnx.to_tensorflow.size import bound, count
from pipeline.graphs.onnx.to_tensorflow.sizes import listed, resolve
from pipeline.graphs.onnx.to_tensorflow.value import Value, channels_last, numbers
from pipeline.tensors.arrays import np


@operator("Transpose")
def transpose(node: Node) -> Value:
    """Only the order changes; the tensor stays as it is until one of another order is asked for."""
    value = node.value()
    turn = node.attribute("perm", list(reversed(range(value.rank))))
    if sorted(turn) != list(range(value.rank)):
        raise ValueError(f"{turn} is no permutation")
    if value.constant is not None:
        return Value(constant=value.constant.transpose(turn))
    order = value.order or tuple(range(value.rank))
    return Value(value.raw, tuple(turn.index(axis) for axis in order), real=value.real)


@operator("Reshape")
def reshape(node: Node) -> Any:
    import tensorflow as tf

    value = node.value(0)
    wanted = listed(node.value(1))
    if wanted is None:
        return _computed(node, value)
    input_sizes = node.sizes(0)
    if not node.attribute("allowzero", 0):
        wanted = [input_sizes[i] if size == 0 else size for i, size in enumerate(wanted)]
    sizes = resolve(input_sizes, wanted)
    if sum(_is_free(size) for size in sizes) > 1 and (known := _one_free(node)):
        sizes = [*known]
    if sum(map(_is_free, sizes)) > 1:
        return tf.reshape(value.flat(), _parts(node, wanted))
    node.learn(sizes)
    return tf.reshape(value.flat(), [-1 if _is_free(size) else size for size in sizes])


def _is_free(size: Size) -> bool:
    return not isinstance(size, int) or size == -1


def _parts(node: Node, wanted: Sequence[Size]) -> Any:
    """The shape that is asked for, which is computed as far as it is free."""
    import tensorflow as tf

    value, asked = node.value(0), node.value(1)
    if asked.constant is None:
        return asked.onnx()
    input_sizes, sizes = tf.shape(value.raw), numbers(asked.constant)
    return [
        input_sizes[value.axis(i)] if size == 0 and _is_free(wanted[i]) else wanted[i]
        for i, size in enumerate(sizes)
    ]


def _computed(node: Node, value: Value) -> Any:
    """By numbers of which nothing is known: a zero stands for the size that there is."""
    import tensorflow as tf

    tensor = node.tensor(1)
    if (sizes := _one_free(node)) is not None:
        return tf.reshape(value.flat(), [-1 if size is None else size for size in sizes])
    count = tensor.shape[0]
    if count is None or node.attribute("allowzero", 0):
        return tf.reshape(value.flat(), tensor)
    input_sizes = tf.concat(
        [tf.shape(value.onnx(), tensor.dtype), tf.ones([count], tensor.dtype)], 0
    )
    return tf.reshape(value.flat(), tf.where(tf.equal(tensor, 0), input_sizes[:count], tensor))


def _one_free(node: Node) -> list[int | None] | None:
    """The result's shape, where ONNX knows all of it but one size."""
    sizes = node.inferred()
    return list(sizes) if sizes and sizes.count(None) <= 1 and 0 not in sizes else None


def known_sizes(tensor: Any) -> list[int | None] | None:
    """What is known of the numbers of a tensor that is made of shapes."""
    import tensorflow as tf
    from tensorflow.python.framework import tensor_util

    if tf.executing_eagerly() or tensor.shape.rank != 1:
        return None
    try:
        sizes = tensor_util.constant_value_as_shape(tensor)
    except ValueError:
        return None  # a size below -1
    return None if sizes.rank is None else sizes.as_list()


@operator("Flatten")
def flatten(node: Node) -> Any:
    import tensorflow as tf

    value, axis = node.value(), node.attribute("axis", 1)
    axis = axis + value.rank if axis < 0 else axis
    parts = [value.shape[:axis], value.shape[axis:]]
    rows, columns = map(count, parts)
    if rows is None and columns is None:
        lengths = tf.shape(value.onnx())
        return tf.reshape(value.onnx(), [tf.reduce_prod(lengths[:axis]), -1])
    return tf.reshape(value.flat(), [-1 if s is None else s for s in (rows, columns)])


@operator("Squeeze")
def squeeze(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    axes = node.integers("axes", 1)
    if axes is None:
        if None in value.shape:
            raise UncoveredError("a Squeeze of axes that are not named, of a free size,")
        axes = [axis for axis, size in enumerate(value.shape) if size == 1]
    squeezed = sorted(value.axis(axis) for axis in axes)
    return Value(tf.squeeze(value.raw, squeezed) if squeezed else value.raw, left(value, squeezed))


@operator("Unsqueeze")
def unsqueeze(node: Node) -> Value:
    """Where the order is not ONNX's, new axes stand first, and stand in ONNX where they should."""
    import tensorflow as tf

    value = node.value()
    named = node.integers("axes", 1, [])
    rank = value.rank + len(named)
    axes = sorted(axis % rank for axis in named)
    tensor = value.raw
    if value.order is None:
        for axis in axes:
            tensor = tf.expand_dims(tensor, axis)
        return Value(tensor)
    for _ in axes:
        tensor = tf.expand_dims(tensor, 0)
    others = [axis for axis in range(rank) if axis not in axes]
    return Value(tensor, (*axes, *(others[axis] for axis in value.order)))


@operator("Expand")
def expand(node: Node) -> Value:
    """Both broadcast: a size of the input may be larger than what is asked for."""
    import tensorflow as tf

    value, target = node.value(0), node.value(1)
    sizes = [size for size in value.shape if size is not None]
    if target.constant is not None and len(sizes) == value.rank:
        shape = np.broadcast_shapes(tuple(sizes), tuple(numbers(target.constant)))
        return Value(tf.broadcast_to(value.onnx(), bound(shape)))
    asked = tf.cast(node.tensor(1), tf.int32)
    shape = tf.broadcast_dynamic_shape(tf.shape(value.onnx()), asked)
    return Value(tf.broadcast_to(value.onnx(), shape))


@operator("Tile")
def tile(node: Node) -> Value:
    import tensorflow as tf

    value, times = node.value(0), node.value(1)
    if times.constant is None:
        return Value(tf.tile(value.onnx(), times.onnx()))
    repeats = numbers(times.constant)
    if len(repeats) != value.rank:
        raise ValueError("it repeats other axes than there are")
    bound([(size or 1) * count for size, count in zip(value.shape, repeats, strict=True)])
    return Value(
        tf.tile(value.raw, [repeats[i] for i in value.order or range(value.rank)]), value.order
    )


@operator("DepthToSpace", "SpaceToDepth")
def blocks(node: Node) -> Value:
    """TensorFlow's counts channels as the mode DCR does; the other one is a reshape."""
    import tensorflow as tf

    value, size = node.value(), node.attribute("blocksize")
    order = channels_last(4)
    if node.operator == "SpaceToDepth":
        return Value(tf.nn.space_to_depth(value.ordered(order), size), order)
    image = value.ordered(order)
    if node.attribute("mode", "DCR") == "CRD":
        channels = value.shape[1]
        if channels is None or channels % size**2:
            raise UncoveredError("a DepthToSpace of a free number of channels")
        # Channels that count blocks last, as ones that count them first.
        turn = np.arange(channels).reshape(-1, size * size).T.reshape(-1)
        image = tf.gather(image, turn.astype(np.int32), axis=3)
    return Value(tf.nn.depth_to_space(image, size), order)


@operator("Shape", "Size")
def shape(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    sizes = value.shape
    if node.operator == "Size":
        if (known := count(sizes)) is not None:
            return Value(constant=np.array(known, np.int32))
        return Value(tf.size(value.raw))
    span = slice(node.attribute("start", 0), node.attribute("end"))
    if None not in sizes[span]:
        return Value(constant=np.array(sizes[span], np.int32))
    computed = tf.shape(value.raw)
    if value.order is not None:
        computed = tf.stack([computed[value.axis(axis)] for axis in range(value.rank)])
    return Value(computed[span])
