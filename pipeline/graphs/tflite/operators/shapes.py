"""Operators that move numbers, or resize images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tflite.call import Call, UnsupportedError, Write
from pipeline.tensors.arrays import np


def _reshape(call: Call) -> Any:
    """The shape is an input, or an option."""
    import tensorflow as tf

    shape = call.input(1)
    if shape is None:
        options = call.node.options
        if options is None:
            raise UnsupportedError("without a shape")
        shape = np.atleast_1d(options.NewShapeAsNumpy()) if options.NewShapeLength() else []
        shape = [int(size) for size in shape]
    elif call.constants[1] is not None:
        shape = call.integers(1)
    return tf.reshape(call.inputs[0], shape)


def _squeeze(call: Call) -> Any:
    import tensorflow as tf

    options = call.node.options
    axes = options.SqueezeDimsAsNumpy() if options and options.SqueezeDimsLength() else ()
    return tf.squeeze(call.inputs[0], [int(axis) for axis in axes] or None)


def _expand_dims(call: Call) -> Any:
    import tensorflow as tf

    return tf.expand_dims(call.inputs[0], call.integers(1)[0])


def _transpose(call: Call) -> Any:
    import tensorflow as tf

    return tf.transpose(call.inputs[0], call.inputs[1])


def _concatenation(call: Call) -> Any:
    import tensorflow as tf

    return tf.concat(list(call.inputs), call.option("Axis"))


def _pack(call: Call) -> Any:
    import tensorflow as tf

    return tf.stack(list(call.inputs), call.option("Axis"))


def _unpack(call: Call) -> Any:
    import tensorflow as tf

    return tf.unstack(call.inputs[0], call.option("Num"), call.option("Axis"))


def _split(call: Call) -> Any:
    """Inputs: the axis, and what is split."""
    import tensorflow as tf

    return tf.split(call.inputs[1], len(call.given), call.integers(0)[0])


def _split_v(call: Call) -> Any:
    import tensorflow as tf

    return tf.split(call.inputs[0], call.integers(1), call.integers(2)[0])


def _pad(call: Call) -> Any:
    import tensorflow as tf

    value = call.input(2)
    return tf.pad(call.inputs[0], call.inputs[1], constant_values=0 if value is None else value)


def _mirror_pad(call: Call) -> Any:
    import tensorflow as tf

    mode = "SYMMETRIC" if call.option("Mode") else "REFLECT"
    return tf.pad(call.inputs[0], call.inputs[1], mode)


def _resize(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        return getattr(tf.raw_ops, name)(
            images=call.inputs[0],
            size=call.inputs[1],
            align_corners=bool(call.option("AlignCorners")),
            half_pixel_centers=bool(call.option("HalfPixelCenters")),
        )

    return write


def _strided_slice(call: Call) -> Any:
    import tensorflow as tf

    x, begin, end, strides = call.inputs
    return tf.raw_ops.StridedSlice(
        input=x,
        begin=begin,
        end=end,
        strides=strides,
        begin_mask=call.option("BeginMask"),
        end_mask=call.option("EndMask"),
        ellipsis_mask=call.option("EllipsisMask"),
        new_axis_mask=call.option("NewAxisMask"),
        shrink_axis_mask=call.option("ShrinkAxisMask"),
    )


def _slice(call: Call) -> Any:
    import tensorflow as tf

    return tf.slice(*call.inputs)


def _gather(call: Call) -> Any:
    import tensorflow as tf

    axis, batch = call.option("Axis"), call.option("BatchDims")
    return tf.gather(call.inputs[0], call.inputs[1], axis=axis, batch_dims=batch)


def _embedding(call: Call) -> Any:
    """Inputs: the rows' numbers, and the table."""
    import tensorflow as tf

    return tf.gather(call.inputs[1], call.inputs[0])


def _gather_nd(call: Call) -> Any:
    import tensorflow as tf

    return tf.gather_nd(call.inputs[0], call.inputs[1])


def _scatter_nd(call: Call) -> Any:
    import tensorflow as tf

    return tf.scatter_nd(*call.inputs)


def _tile(call: Call) -> Any:
    import tensorflow as tf

    return tf.tile(call.inputs[0], call.inputs[1])


def _broadcast_to(call: Call) -> Any:
    import tensorflow as tf

    return tf.broadcast_to(call.inputs[0], call.inputs[1])


def _fill(call: Call) -> Any:
    import tensorflow as tf

    return tf.fill(call.inputs[0], call.inputs[1])


def _range(call: Call) -> Any:
    import tensorflow as tf

    return tf.range(*call.inputs)


def _shape(call: Call) -> Any:
    import tensorflow as tf

    return tf.shape(call.inputs[0], call.given[0].dtype)


def _rank(call: Call) -> Any:
    import tensorflow as tf

    return tf.constant(len(call.inputs[0].shape))


def _blocks(name: str) -> Write:
    def write(call: Call) -> Any:
        import tensorflow as tf

        operator = getattr(tf.raw_ops, name)
        return operator(input=call.inputs[0], block_size=call.option("BlockSize"))

    return write


def _space_to_batch(call: Call) -> Any:
    import tensorflow as tf

    return tf.space_to_batch(call.inputs[0], call.inputs[1], call.inputs[2])


def _batch_to_space(call: Call) -> Any:
    import tensorflow as tf

    return tf.raw_ops.BatchToSpaceND(
        input=call.inputs[0], block_shape=call.inputs[1], crops=call.inputs[2]
    )


def _reverse(call: Call) -> Any:
    import tensorflow as tf

    return tf.reverse(call.inputs[0], call.integers(1))


def _one_hot(call: Call) -> Any:
    import tensorflow as tf

    return tf.one_hot(*call.inputs, axis=call.option("Axis"))


def _where(call: Call) -> Any:
    import tensorflow as tf

    return tf.where(call.inputs[0])


OPERATORS: Mapping[str, Write] = {
    "RESHAPE": _reshape,
    "SQUEEZE": _squeeze,
    "EXPAND_DIMS": _expand_dims,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concatenation,
    "PACK": _pack,
    "UNPACK": _unpack,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "PAD": _pad,
    "PADV2": _pad,
    "MIRROR_PAD": _mirror_pad,
    "RESIZE_BILINEAR": _resize("ResizeBilinear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("ResizeNearestNeighbor"),
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "GATHER": _gather,
    "EMBEDDING_LOOKUP": _embedding,
    "GATHER_ND": _gather_nd,
    "SCATTER_ND": _scatter_nd,
    "TILE": _tile,
    "BROADCAST_TO": _broadcast_to,
    "FILL": _fill,
    "RANGE": _range,
    "SHAPE": _shape,
    "RANK": _rank,
    "DEPTH_TO_SPACE": _blocks("DepthToSpace"),
    "SPACE_TO_DEPTH": _blocks("SpaceToDepth"),
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "REVERSE_V2": _reverse,
    "ONE_HOT": _one_hot,
    "WHERE": _where,
}
