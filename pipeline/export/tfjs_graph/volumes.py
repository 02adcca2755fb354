"""Tensors of more than four axes, which TF.js 4.22's WebGPU takes for ones of four.

Its shaders count axes by number, as in ``coords[4]``, and WGSL has no vectors of more than four.
What does not compile leaves zeros, and says nothing (``binary_op_webgpu.js`` and ``pad_webgpu.js``
of ``@tensorflow/tfjs-backend-webgpu``):

- a sum or product with a vector, such as the bias of a ``Conv3D``;
- a padding.

``Tile`` of them reads its input back at once, through a canvas (``kernels/Tile.js``): on a software
device that gives other numbers, or ends the device; on others it waits for the GPU. Keras' nearest
upsampling is made of it.

``Cumsum``, ``Cumprod`` and ``Select`` of them throw (``scan_webgpu.js``, ``select_webgpu.js``).

It has no ``SpaceToBatchND`` of them either, of which TensorFlow makes a ``Conv3D`` with dilations;
that has a kernel on every backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from pipeline.graphs.tensorflow.splicing import Build, Rewrite
from pipeline.tensors.arrays import np

#: So many axes WGSL's vectors have.
AXES = 4

#: Operators of two operands, one of which may have fewer axes.
PAIRED = (
    *("Add", "AddV2", "BiasAdd", "Mul", "Sub", "RealDiv", "Maximum", "Minimum", "Pow"),
    *("SquaredDifference", "FloorDiv", "FloorMod", "Greater", "GreaterEqual", "Less", "LessEqual"),
    *("Equal", "NotEqual", "LogicalAnd", "LogicalOr"),
)


def paired(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """With a vector that has as many axes as the other operand."""
    import tensorflow as tf

    ranks = [tensors[name].shape.rank for name in node.input[:2]]
    if 1 not in ranks or max(rank or 0 for rank in ranks) <= AXES:
        return None
    if node.op == "BiasAdd" and node.attr["data_format"].s.startswith(b"NC"):
        return None
    operation = getattr(tf.raw_ops, "AddV2" if node.op == "BiasAdd" else node.op)
    wide = [1] * (max(ranks) - 1)

    def build(a: Any, b: Any) -> Any:
        x, y = (tf.reshape(v, [*wide, -1]) if v.shape.rank == 1 else v for v in (a, b))
        return operation(x=x, y=y)

    return build


def padded(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """With axes that get no padding as one with the axis in front of them."""
    import tensorflow as tf

    margins = tf.get_static_value(tensors[node.input[1]])
    sizes = tensors[node.input[0]].shape
    if margins is None or sizes.rank is None or sizes.rank <= AXES:
        return None
    merged = _merged(sizes.as_list(), margins.tolist(), [0, 0])
    if merged is None or len(merged) > AXES:
        return None
    shape = [-1, *tensors[node.name].shape.as_list()[1:]]
    paddings = [[part.inner * m for m in part.change] for part in merged]

    def build(x: Any, _: Any, value: Any = None) -> Any:
        x = tf.reshape(x, [part.size for part in merged])
        value = tf.zeros([], x.dtype) if value is None else value
        x = tf.raw_ops.PadV2(input=x, paddings=paddings, constant_values=value)
        return tf.reshape(x, shape)

    def without_value(x: Any, margins: Any) -> Any:
        return build(x, margins)

    return build if node.op == "PadV2" else without_value


def tiled(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """With axes that are not repeated as one with the axis in front of them."""
    import tensorflow as tf

    multiples = _value(tensors[node.input[1]])
    sizes = tensors[node.input[0]].shape
    if multiples is None or sizes.rank is None or sizes.rank <= AXES:
        return None
    merged = _merged(sizes.as_list(), multiples.tolist(), 1)
    if merged is None or len(merged) > AXES:
        return None
    shape = [-1, *tensors[node.name].shape.as_list()[1:]]

    def build(x: Any, _: Any) -> Any:
        x = tf.reshape(x, [part.size for part in merged])
        return tf.reshape(tf.tile(x, [part.change for part in merged]), shape)

    return build


def accumulated(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """With what is in front of its axis as one, and what is behind it as one."""
    import tensorflow as tf

    axis = _value(tensors[node.input[1]])
    sizes = tensors[node.input[0]].shape
    if axis is None or sizes.rank is None or sizes.rank <= AXES or None in sizes[1:]:
        return None
    place = int(axis) % sizes.rank
    if place == 0:
        return None
    merged = [-1, sizes[place], prod(sizes[place + 1 :])]
    shape = [-1, *sizes[1:]]
    scan = tf.cumsum if node.op == "Cumsum" else tf.math.cumprod
    exclusive, reverse = node.attr["exclusive"].b, node.attr["reverse"].b

    def build(x: Any, _: Any) -> Any:
        x = scan(tf.reshape(x, merged), 1, exclusive=exclusive, reverse=reverse)
        return tf.reshape(x, shape)

    return build


def selected(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """With neighbouring axes as one along which each operand has all sizes, or each has none."""
    import tensorflow as tf

    result = tensors[node.name].shape
    shapes = [tensors[name].shape for name in node.input[:3]]
    if result.rank is None or result.rank <= AXES or any(s.rank is None for s in shapes):
        return None
    sizes = [[1] * (result.rank - shape.rank) + shape.as_list() for shape in shapes]
    if None in result[1:] or any(None in size[1:] for size in sizes):
        return None
    # Of each axis: which of the operands are repeated along it. The batch stands alone.
    repeated = [tuple(size[axis] == 1 for size in sizes) for axis in range(result.rank)]
    starts = [i for i in range(result.rank) if i < 2 or repeated[i] != repeated[i - 1]]
    if len(starts) > AXES:
        return None
    ends = [*starts[1:], result.rank]
    spans = [*zip(starts, ends, strict=True)]
    shape = [-1, *result[1:]]

    def merge(x: Any, size: list[int | None]) -> Any:
        first = 1 if size[0] == 1 else -1
        return tf.reshape(
            x, [first, *(prod(n or 1 for n in size[start:end]) for start, end in spans[1:])]
        )

    def build(condition: Any, a: Any, b: Any) -> Any:
        x = tf.where(*(merge(x, size) for x, size in zip((condition, a, b), sizes, strict=True)))
        return tf.reshape(x, shape)

    return build


def _value(tensor: Any) -> Any:
    """What a tensor holds, ``None`` where that is not known; ``tf.repeat`` reshapes a constant."""
    import tensorflow as tf

    value, inputs = tf.get_static_value(tensor), tensor.op.inputs
    if value is None and tensor.op.type == "Reshape" and tensor.shape.is_fully_defined():
        value = _value(inputs[0])
        return None if value is None else value.reshape(tensor.shape)
    if value is None and tensor.op.type == "Pack":
        values = [_value(part) for part in inputs]
        return None if any(part is None for part in values) else np.stack(values)
    return value


class _Axes(NamedTuple):
    """Neighbours that are taken for one axis."""

    size: int
    inner: int
    """How many values belong to one step of the first of them."""
    change: Any
    """What happens to the first one; nothing does to the others."""


def _merged(
    sizes: Sequence[int | None], changes: Sequence[Any], nothing: Any
) -> list[_Axes] | None:
    """What is left of the axes; the first is the batch, of any size (-1)."""
    if None in sizes[1:] or changes[0] != nothing:
        return None
    axes: list[_Axes] = []
    inner = 1
    for size, change in zip(reversed(sizes[1:]), reversed(changes[1:]), strict=True):
        after = inner * (size or 0)
        if change != nothing:
            axes.append(_Axes(after, inner, change))
        inner = 1 if change != nothing else after
    if inner > 1:
        axes.append(_Axes(inner, 1, nothing))
    return [_Axes(-1, 1, nothing), *reversed(axes)]


def dilated(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """``BatchToSpaceND`` of a ``Conv3D`` of a ``SpaceToBatchND`` as one that has dilations."""
    import tensorflow as tf

    convolution = tensors[node.input[0]].op
    if not _is_plain(convolution) or convolution.inputs[0].op.type != "SpaceToBatchND":
        return None
    image, *blocks = convolution.inputs[0].op.inputs
    kernel, result = convolution.inputs[1], tensors[node.name]
    block, margins = (tf.get_static_value(tensor) for tensor in blocks)
    if None in (image.shape.rank, kernel.shape.rank):
        return None
    unknown = [*image.shape[1:4], *result.shape[1:4], *kernel.shape[:3]].count(None)
    if block is None or margins is None or unknown:
        return None
    steps, before = block.tolist(), margins[:, 0].tolist()
    reached = zip(result.shape[1:4], kernel.shape[:3], steps, before, image.shape[1:4], strict=True)
    after = [out + step * (taps - 1) - first - size for out, taps, step, first, size in reached]
    if min(after) < 0:
        return None
    pads = [[0, 0], *map(list, zip(before, after, strict=True)), [0, 0]]
    node.input[:] = [image.name, kernel.name]

    def build(x: Any, kernel: Any) -> Any:
        x = tf.pad(x, pads) if any(map(any, pads)) else x
        ones = [1] * 5
        return tf.raw_ops.Conv3D(
            input=x, filter=kernel, strides=ones, padding="VALID", dilations=[1, *steps, 1]
        )

    return build


def _is_plain(operation: Any) -> bool:
    """Whether it is a ``Conv3D`` that moves by one and pads nothing, as between such two."""
    if operation.type != "Conv3D":
        return False
    usual = {"strides": [1] * 5, "padding": b"VALID", "data_format": b"NDHWC"}
    return all(operation.get_attr(name) == value for name, value in usual.items())


#: Before ``REWRITES``: what it makes of operators is of these.
DILATIONS: dict[str, Rewrite] = {"BatchToSpaceND": dilated}

REWRITES: dict[str, Rewrite] = {
    **dict.fromkeys(PAIRED, paired),
    "Pad": padded,
    "PadV2": padded,
    "Tile": tiled,
    "Cumsum": accumulated,
    "Cumprod": accumulated,
    "SelectV2": selected,
}
