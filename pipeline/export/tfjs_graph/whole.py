"""Whole numbers whose axes TF.js 4.22's WebGPU moves, in operators that it computes right.

Its shader that moves axes hands whole numbers to what takes floats, which does not compile
(``transpose_webgpu.js`` of ``@tensorflow/tfjs-backend-webgpu``). WebGPU then drops all that was
sent together with it: also outputs that are right alone become zeros, and nothing is said.
Besides ``Transpose``, all that first moves its axes to the end does so: reductions, ``ArgMax`` and
``Cumsum`` (``kernel_utils/reduce.js``, ``kernels/Cum_impl.js``). Matrices have a shader of their
own, which is right. What is small may be computed on the CPU instead, as long as nothing else has
brought it to the GPU.

A cast to float32 keeps the bytes of what it casts there (``kernels/Cast.js``), and fails as well.

And two more of its kernels that are wrong:

- the shader of ``Cumsum`` and ``Cumprod`` from the end knows one length only, that of the first one
  in the page (``cum_webgpu.js``);
- ``DenseBincount`` leaves out numbers of long rows, writes integers as the bytes of floats, does
  not compile where it only says what occurs (``bincount_webgpu.js``), and reads back at once how
  many bins there are. That goes through a canvas: it waits for the GPU, and a software device is
  lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tensorflow.splicing import Build, Rewrite
from pipeline.tensors.arrays import np

#: Of so many axes there is a shader that is right.
MATRIX = 2
#: What gives the same bytes another shape or name.
VIEWS = ("Identity", "Reshape", "ExpandDims", "Squeeze", "StopGradient", "Cast")

#: Operators by those of floats that do the same.
REDUCTIONS = {
    "All": "Min",
    "Any": "Max",
    **{op: op for op in ("Max", "Min", "Prod", "Sum", "Mean")},
}


def floats(x: Any) -> Any:
    """What is float32 on each backend: computed, as a cast alone keeps the bytes."""
    import tensorflow as tf

    return tf.maximum(tf.cast(x, tf.float32), tf.float32.min)


def transposed(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of floats, and back: integers up to 2^24 stay what they are."""
    import tensorflow as tf

    x = tensors[node.input[0]]
    if not is_whole(x) or (x.shape.rank or MATRIX + 1) <= MATRIX:
        return None
    return lambda value, axes: tf.cast(tf.transpose(floats(value), axes), x.dtype)


def reduced(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of floats, and back: integers up to 2^24 stay what they are."""
    import tensorflow as tf

    if not is_whole(tensors[node.input[0]]) or not moves(node, tensors):
        return None
    kind, keep = tensors[node.name].dtype, node.attr["keep_dims"].b
    operation = getattr(tf.raw_ops, REDUCTIONS[node.op])
    return lambda x, axes: tf.cast(operation(input=floats(x), axis=axes, keep_dims=keep), kind)


def largest(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """``ArgMax`` and ``ArgMin`` of floats."""
    import tensorflow as tf

    if not is_whole(tensors[node.input[0]]) or not moves(node, tensors):
        return None
    kind, operation = tensors[node.name].dtype, getattr(tf.raw_ops, node.op)
    return lambda x, axis: operation(input=floats(x), dimension=axis, output_type=kind)


def cumulated(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Of floats, and back; from the end as from the beginning of what is turned around."""
    import tensorflow as tf

    x = tensors[node.input[0]]
    from_end, exclusive = node.attr["reverse"].b, node.attr["exclusive"].b
    whole = is_whole(x) and moves(node, tensors)
    if not whole and not from_end:
        return None
    operation = getattr(tf.raw_ops, node.op)

    def build(value: Any, axis: Any) -> Any:
        value = floats(value) if whole else value
        value = tf.reverse(value, [axis]) if from_end else value
        value = operation(x=value, axis=axis, exclusive=exclusive)
        value = tf.reverse(value, [axis]) if from_end else value
        return tf.cast(value, x.dtype)

    return build


def counted(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Counted in floats and in one row; what occurs is what is counted at least once."""
    import tensorflow as tf

    numbers, size, given = (tensors[name] for name in node.input[:3])
    bins, kind, once = _bins(size), given.dtype, node.attr["binary_output"].b
    if bins is None or numbers.shape.rank is None or given.shape.rank is None:
        return None
    weighted = given.shape.num_elements() != 0 and not once

    def build(x: Any, _: Any, weights: Any) -> Any:
        weights = tf.reshape(floats(weights), [-1]) if weighted else tf.zeros([0])
        count = _count_rows if x.shape.rank == MATRIX else _count
        counts = count(x, bins, weights)
        return tf.cast(tf.minimum(counts, 1.0) if once else counts, kind)

    return build


def _count(x: Any, bins: Any, weights: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.DenseBincount(input=x, size=bins, weights=weights)


def _count_rows(x: Any, bins: Any, weights: Any) -> Any:
    """Each row in bins of its own, behind those of the row before, and one for what has none."""
    import tensorflow as tf

    step = tf.constant(int(bins) + 1, x.dtype)
    rows = tf.shape(x, out_type=x.dtype)[0]
    numbers = tf.minimum(x, step - 1) + tf.expand_dims(tf.range(rows) * step, 1)
    counts = _count(tf.reshape(numbers, [-1]), rows * step, weights)
    return tf.reshape(counts, [-1, int(bins) + 1])[:, : int(bins)]


def _bins(size: Any) -> Any:
    """A constant, or what ``tf.math.bincount`` bounds by itself from both sides; else ``None``."""
    import tensorflow as tf

    most = tf.get_static_value(size)
    if most is not None or size.op.type != "Minimum":
        return most
    upper, rest = size.op.inputs
    most = tf.get_static_value(upper)
    least = tf.get_static_value(rest.op.inputs[0]) if rest.op.type == "Maximum" else None
    return most if None not in (most, least) and least >= most else None


def is_whole(tensor: Any) -> bool:
    """Whether it is of integers or booleans, or of floats that may have their bytes."""
    while tensor.dtype.is_floating:
        if tensor.op.type not in VIEWS:
            return False
        tensor = tensor.op.inputs[0]
    return bool(tensor.dtype.is_integer or tensor.dtype.is_bool)


def moves(node: Any, tensors: Mapping[str, Any]) -> bool:
    """Whether its axes are not the last ones already, as far as is known."""
    import tensorflow as tf

    rank = tensors[node.input[0]].shape.rank
    axes = tf.get_static_value(tensors[node.input[1]])
    if rank is None or axes is None:
        return True
    counted = sorted({int(axis) % rank for axis in np.ravel(axes)}) if rank else []
    return rank > MATRIX and counted != list(range(rank - len(counted), rank))


#: After all others: what these make may cast and transpose too.
REWRITES: dict[str, Rewrite] = {
    **dict.fromkeys(REDUCTIONS, reduced),
    **dict.fromkeys(("ArgMax", "ArgMin"), largest),
    **dict.fromkeys(("Cumsum", "Cumprod"), cumulated),
    "DenseBincount": counted,
    "Transpose": transposed,
}
