"""What TF.js 4.22 lacks, or computes wrongly on WebAssembly, in operators that it computes right.

- No backend has groups in convolutions.
- ``Conv3DBackpropInputV2``, a transposed convolution of volumes, is in no list of its converter.
- ``MaxPool3D`` begins each maximum with the smallest positive number: what is all negative is lost.
- ``OneHot`` writes integers, also where the result is to be of floats.
- ``ReverseV2`` takes a boolean for four bytes.
- ``StridedSlice`` calls floats what it takes of integers and booleans, where it leaves some out.

What it computes wrongly on WebGL:

- The largest of numbers that all lie below -1e20 is -1e20 (``reduce_gpu.js``), so that a softmax of
  what is masked entirely divides by zero. Keras masks with the smallest number there is.

And what it computes wrongly, or lacks, everywhere:

- ``MatrixBandPart`` does not read its bounds.
- ``Cumsum`` and ``Cumprod`` do not count a negative axis from the end.
- ``Roll`` is in no list of its converter.
- ``FusedBatchNorm`` takes the mean and variance that it is given, also where it is to normalize by
  those of the batch, of which Keras 2 makes its layer normalization.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tensorflow.groups import split
from pipeline.graphs.tensorflow.splicing import Build, Rewrite

#: The smallest number of which WebGL knows that it is larger than others.
LEAST = -1e20

#: What hands a mask on to a softmax.
PASSING = (
    *("Add", "AddV2", "BiasAdd", "Cast", "ExpandDims", "Identity", "Maximum", "Minimum", "Mul"),
    *("Neg", "RealDiv", "Reshape", "Select", "SelectV2", "Squeeze", "Sub", "Transpose"),
)


def masked_softmax(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of numbers that are not too small; all that are have the same share of nothing."""
    import tensorflow as tf

    if not _is_masked(tensors[node.input[0]]):
        return None
    return lambda x: tf.nn.softmax(tf.maximum(x, LEAST))


def _is_masked(tensor: Any) -> bool:
    """Whether a number below ``LEAST`` may have come into it."""
    import tensorflow as tf

    seen, waiting = set(), [tensor.op]
    while waiting:
        operation = waiting.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        if operation.type == "Const" and operation.outputs[0].shape.num_elements() == 1:
            value = tf.get_static_value(operation.outputs[0])
            if value.dtype.kind == "f" and abs(value.item()) > -LEAST:
                return True
        if operation.type in PASSING:
            waiting += [source.op for source in operation.inputs]
    return False


def max_pool_3d(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Over rows and columns, then over the depth."""
    import tensorflow as tf

    if tensors[node.input[0]].shape.rank is None:
        return None
    sizes = tensors[node.input[0]].shape.as_list()
    if node.attr["data_format"].s == b"NCDHW" or None in sizes[1:]:
        return None
    _, depth, height, width, channels = sizes
    _, *window, _ = node.attr["ksize"].list.i
    _, *strides, _ = node.attr["strides"].list.i
    padding = node.attr["padding"].s.decode()

    def build(x: Any) -> Any:
        x = tf.reshape(x, [-1, height, width, channels])
        x = tf.nn.max_pool2d(x, window[1:], strides[1:], padding)
        rows, columns = x.shape[1:3]
        x = tf.reshape(x, [-1, depth, rows * columns, channels])
        x = tf.nn.max_pool2d(x, [window[0], 1], [strides[0], 1], padding)
        return tf.reshape(x, [-1, x.shape[1], rows, columns, channels])

    return build


def one_hot(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of integers, and cast to what it is to be."""
    import tensorflow as tf

    kind, axis = tf.as_dtype(node.attr["T"].type), node.attr["axis"].i
    on, off = (tf.get_static_value(tensors[name]) for name in node.input[2:4])
    depth = tf.get_static_value(tensors[node.input[1]])
    if kind == tf.int32 or depth is None or on is None or off is None:
        return None
    axis = axis if "axis" in node.attr else -1

    def build(indices: Any) -> Any:
        x = tf.cast(tf.one_hot(indices, int(depth), 1, 0, axis, tf.int32), kind)
        return x if (on, off) == (1, 0) else x * (on - off) + off

    return build


def reversed_booleans(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """As integers, and back."""
    import tensorflow as tf

    axes = tf.get_static_value(tensors[node.input[1]])
    if tensors[node.input[0]].dtype != tf.bool or axes is None:
        return None
    return lambda x: tf.cast(tf.reverse(tf.cast(x, tf.int32), axes), tf.bool)


def strided(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of floats, and back: integers up to 2^24 stay what they are."""
    import tensorflow as tf

    kind = tensors[node.input[0]].dtype
    places = [tf.get_static_value(tensors[name]) for name in node.input[1:]]
    begin, end, strides = places
    if kind == tf.float32 or begin is None or end is None or strides is None or all(strides == 1):
        return None
    names = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    masks = {name: node.attr[name].i for name in names if name in node.attr}

    def build(x: Any) -> Any:
        floats = tf.cast(x, tf.float32)
        taken = tf.raw_ops.StridedSlice(
            input=floats, begin=begin, end=end, strides=strides, **masks
        )
        return tf.cast(taken, kind)

    return build


def band_part(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """What is not too far below or above the diagonal; the rest is zero."""
    import tensorflow as tf

    lower, upper = (tf.get_static_value(tensors[name]) for name in node.input[1:])
    if lower is None or upper is None:
        return None

    def build(x: Any) -> Any:
        shape = tf.shape(x)
        below = tf.expand_dims(tf.range(shape[-2]), 1) - tf.expand_dims(tf.range(shape[-1]), 0)
        inside = [below <= int(lower)] if lower >= 0 else []
        inside += [below >= -int(upper)] if upper >= 0 else []
        for mask in inside:
            x = x & mask if x.dtype == tf.bool else tf.where(mask, x, tf.zeros([], x.dtype))
        return x if inside else tf.identity(x)

    return build


def cumulated(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Along an axis that is counted from the front."""
    import tensorflow as tf

    axis, rank = tf.get_static_value(tensors[node.input[1]]), tensors[node.input[0]].shape.rank
    if axis is None or rank is None or axis >= 0:
        return None
    function = getattr(tf.raw_ops, node.op)
    flags = {name: node.attr[name].b for name in ("exclusive", "reverse") if name in node.attr}
    return lambda x: function(x=x, axis=int(axis) + rank, **flags)


def rolled(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """The end of each axis, then its beginning."""
    import tensorflow as tf

    shifts, axes = (tf.get_static_value(tensors[name]) for name in node.input[1:])
    sizes = tensors[node.input[0]].shape
    if shifts is None or axes is None or sizes.rank is None:
        return None
    moves = list(zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True))
    if any(sizes[axis] is None for _, axis in moves):
        return None

    def build(x: Any) -> Any:
        for shift, axis in moves:
            last = shift % sizes[axis]
            first, second = tf.split(x, [sizes[axis] - last, last], axis)
            x = tf.concat([second, first], axis)
        return x

    return build


def normalized(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """By the mean and variance of each channel, where they are not given."""
    import tensorflow as tf

    rank = tensors[node.input[0]].shape.rank
    others = any(tensors[f"{node.name}:{port}"].consumers() for port in (1, 2))
    if not node.attr["is_training"].b or rank is None or others:
        return None
    channel = 1 if node.attr["data_format"].s.startswith(b"NC") else rank - 1
    axes = [axis for axis in range(rank) if axis != channel]
    shape = [-1 if axis == channel else 1 for axis in range(rank)]
    epsilon = node.attr["epsilon"].f

    def build(x: Any, scale: Any, offset: Any) -> Any:
        away = x - tf.reduce_mean(x, axes, keepdims=True)
        spread = tf.sqrt(tf.reduce_mean(away * away, axes, keepdims=True) + epsilon)
        return away / spread * tf.reshape(scale, shape) + tf.reshape(offset, shape)

    return build


def transposed_3d(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """A convolution of the input with zeros between its elements, with the kernel turned around.

    Dumoulin and Visin 2016 (arXiv:1603.07285), section 4.5.
    """
    import tensorflow as tf

    kernel, image = (tensors[name] for name in node.input[1:3])
    if None in (image.shape.rank, tensors[node.name].shape.rank):
        return None
    result_shape = tensors[node.name].shape.as_list()
    if node.attr["data_format"].s == b"NCDHW" or None in (*result_shape[1:], *image.shape[1:]):
        return None
    sizes, taps = image.shape.as_list()[1:4], kernel.shape.as_list()[:3]
    _, *strides, _ = node.attr["strides"].list.i
    same = node.attr["padding"].s == b"SAME"
    axes = [
        _axis(*axis, same=same)
        for axis in zip(sizes, taps, strides, result_shape[1:4], strict=True)
    ]

    def build(_: Any, kernel: Any, x: Any) -> Any:
        shape = [-1, *x.shape[1:]]
        for axis, zeros in enumerate(axes, 1):
            x, shape[axis] = _spread_axis(x, shape, axis, zeros)
        turned = tf.transpose(tf.reverse(kernel, [0, 1, 2]), [0, 1, 2, 4, 3])
        return tf.nn.conv3d(tf.reshape(x, shape), turned, [1] * 5, "VALID")

    return build


def _axis(
    size: int, taps: int, stride: int, result_size: int, *, same: bool
) -> tuple[int, int, int]:
    """The stride, and how many zeros come before and after: after may be less than none."""
    padded = max((size - 1) * stride + taps - result_size, 0) // 2 if same else 0
    before = taps - 1 - padded
    return stride, before, result_size + taps - 1 - size * stride - before


def _spread_axis(
    x: Any, shape: list[int], axis: int, zeros: tuple[int, int, int]
) -> tuple[Any, int]:
    """An axis with zeros behind each element and at both ends, and its new size."""
    import tensorflow as tf
    from numpy import prod

    stride, before, after = zeros
    size, rest = shape[axis], int(prod(shape[axis + 1 :]))
    x = tf.pad(tf.reshape(x, [-1, size, 1, rest]), [[0, 0], [0, 0], [0, stride - 1], [0, 0]])
    x = tf.reshape(x, [-1, size * stride, rest])[:, : size * stride + min(after, 0)]
    x = tf.pad(x, [[0, 0], [before, max(after, 0)], [0, 0]])
    return x, before + size * stride + after


REWRITES: dict[str, Rewrite] = {
    "Conv2D": split,
    "Conv3DBackpropInputV2": transposed_3d,
    "Cumprod": cumulated,
    "Cumsum": cumulated,
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), normalized),
    "MatrixBandPart": band_part,
    "MaxPool3D": max_pool_3d,
    "OneHot": one_hot,
    "ReverseV2": reversed_booleans,
    "Roll": rolled,
    "Softmax": masked_softmax,
    "StridedSlice": strided,
}
