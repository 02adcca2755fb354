"""What takes parts of tensors, or puts parts into them."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.operators.reduction import left
from pipeline.graphs.onnx.to_tensorflow.operators.shapes import known_sizes
from pipeline.graphs.onnx.to_tensorflow.size import bound
from pipeline.graphs.onnx.to_tensorflow.value import Value, numbers
from pipeline.tensors.arrays import np

#: The largest index; ONNX writes larger ones for "to the end".
_FAR = 2**31 - 1


@operator("Slice")
def slices(node: Node) -> Value:
    """As Python slices, axis by axis; until opset 10 in attributes."""
    value = node.value()
    starts, ends = _bounds(node, "starts", 1), _bounds(node, "ends", 2)
    axes = node.integers("axes", 3, list(range(len(starts))))
    steps = node.integers("steps", 4, [1] * len(starts))
    taken: list[Any] = [slice(None)] * value.rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        taken[value.axis(axis)] = slice(_near(start), _end(end, step), step)
    if value.constant is not None and all(isinstance(b, int) for b in (*starts, *ends)):
        return Value(constant=value.constant[tuple(taken)])
    return Value(value.raw[tuple(taken)], value.order)


def _bounds(node: Node, name: str, index: int) -> list[Any]:
    """Numbers, or tensors where the model computes them."""
    if (listed := node.attribute(name)) is not None:
        return list(listed)
    value = node.value(index)
    if value.constant is not None:
        return numbers(value.constant)
    if value.shape[0] is None:
        raise UncoveredError("a Slice of a free number of axes")
    known = known_sizes(value.raw) or [None] * value.shape[0]
    return [value.raw[i] if size in (None, -1) else size for i, size in enumerate(known)]


def _near(index: Any) -> Any:
    return max(-_FAR, min(index, _FAR)) if isinstance(index, int) else index


def _end(end: Any, step: int) -> Any:
    """``None`` for all there is."""
    if not isinstance(end, int):
        return end
    return None if (end >= _FAR and step > 0) or (end <= -_FAR and step < 0) else _near(end)


@operator("Split")
def split(node: Node) -> list[Value]:
    """In equal parts where no sizes are given; the last one may be smaller since opset 18."""
    import tensorflow as tf

    value, count = node.value(), len(node.outputs())
    axis = node.attribute("axis", 0)
    sizes = node.integers("split", 1)
    if sizes is None:
        whole = value.shape[axis]
        if whole is None:
            raise UncoveredError("a Split of a free size")
        part = -(-whole // count)
        sizes = [part] * (count - 1) + [whole - part * (count - 1)]
    parts = tf.split(value.raw, sizes, value.axis(axis)) if len(sizes) > 1 else [value.raw]
    return [Value(part, value.order) for part in parts]


@operator("Gather")
def gather(node: Node) -> Value:
    import tensorflow as tf

    value, index = node.value(0), node.value(1)
    axis = node.attribute("axis", 0)
    size, place = value.shape[axis], value.axis(axis)
    if index.constant is not None and index.rank == 0:
        return _one(value, place, int(index.constant), size)
    if index.rank == 1 or value.order is None:
        indices = _positive(index, size, value.raw, place)
        return Value(tf.gather(value.raw, indices, axis=place), value.order)
    indices = _positive(index, size, value.raw, place)
    return Value(tf.gather(value.onnx(), indices, axis=axis % value.rank))


def _one(value: Value, place: int, index: int, size: int | None) -> Value:
    """The part at one index; of a shape, the number where it is known."""
    if size is not None and not -size <= index < size:
        raise ValueError(f"index {index} of an axis of {size}")
    if value.rank == 1 and (known := known_sizes(value.raw)) and known[index] not in (None, -1):
        return Value(constant=np.array(known[index], value.dtype.as_numpy_dtype))
    taken: list[Any] = [slice(None)] * value.rank
    taken[place] = index
    return Value(value.raw[tuple(taken)], left(value, [place]))


def _positive(index: Value, size: int | None, tensor: Any, place: int) -> Any:
    """Indices that count from the beginning: TensorFlow's have no other."""
    import tensorflow as tf

    if index.constant is not None:
        negative = index.constant < 0
        if not negative.any():
            return Value(constant=index.constant.astype(np.int32)).raw
        if size is not None:
            return Value(constant=np.where(negative, index.constant + size, index.constant)).raw
    indices = index.onnx()
    whole = tf.cast(tf.shape(tensor)[place] if size is None else size, indices.dtype)
    return tf.where(indices < 0, indices + whole, indices)


@operator("GatherND")
def gather_nd(node: Node) -> Any:
    import tensorflow as tf

    if node.value(1).constant is None or (node.constant(1, "indices") < 0).any():
        indices = _positive_rows(node)
    else:
        indices = node.tensor(1)
    return tf.gather_nd(node.tensor(0), indices, node.attribute("batch_dims", 0))


def _positive_rows(node: Node) -> Any:
    """Indices of several axes, each counted from the beginning."""
    import tensorflow as tf

    indices, first = node.tensor(1), node.attribute("batch_dims", 0)
    count = indices.shape[-1]
    sizes = node.value(0).shape[first : first + count]
    if None in sizes:
        raise UncoveredError("indices of an axis of free size")
    return tf.where(indices < 0, indices + tf.constant(sizes, indices.dtype), indices)


@operator("GatherElements")
def gather_elements(node: Node) -> Any:
    import tensorflow as tf

    return tf.gather_nd(node.tensor(0), _coordinates(node))


def _coordinates(node: Node) -> Any:
    """Where each index points, as rows of one index for each axis."""
    import tensorflow as tf

    value, index = node.value(0), node.value(1)
    axis = node.attribute("axis", 0) % value.rank
    if index.rank != value.rank:
        raise ValueError("its indices have other axes than the data")
    positions = _positive(index, value.shape[axis], value.onnx(), axis)
    positions = tf.cast(positions, tf.int32)
    shape: Any = tf.shape(positions) if None in index.shape else list(index.shape)
    lines = []
    for other in range(value.rank):
        line = tf.range(shape[other])
        wide = [1] * value.rank
        wide[other] = -1
        lines.append(tf.broadcast_to(tf.reshape(line, wide), shape))
    lines[axis] = positions
    return tf.stack(lines, -1)


@operator("ScatterND")
def scatter_nd(node: Node) -> Any:
    return _scatter(node, _positive_rows(node), node.tensor(2))


@operator("ScatterElements", "Scatter")
def scatter_elements(node: Node) -> Any:
    return _scatter(node, _coordinates(node), node.tensor(2))


def _scatter(node: Node, rows: Any, updates: Any) -> Any:
    import tensorflow as tf

    how = node.attribute("reduction", "none")
    functions = {
        "none": tf.tensor_scatter_nd_update,
        "add": tf.tensor_scatter_nd_add,
        "max": tf.tensor_scatter_nd_max,
        "min": tf.tensor_scatter_nd_min,
    }
    if how not in functions:
        raise UncoveredError(f"scattering by {how}")
    return functions[how](node.tensor(0), rows, updates)


@operator("Pad")
def pad(node: Node) -> Value:
    """Of constants, by reflection, or by the edge; a negative number cuts off."""
    import tensorflow as tf

    value, mode = node.value(), node.attribute("mode", "constant")
    pads = node.integers("pads", 1) or node.attribute("paddings") or []
    axes = numbers(node.constant(3, "axes")) if node.has(3) else list(range(value.rank))
    pairs = [(0, 0)] * value.rank
    for i, axis in enumerate(axes):
        pairs[value.axis(axis)] = (pads[i], pads[i + len(axes)])
    _bound_padded(value, pairs)
    tensor = _cut(value.raw, pairs)
    pairs = [(max(before, 0), max(behind, 0)) for before, behind in pairs]
    if not any(map(any, pairs)):
        return Value(tensor, value.order)
    if mode == "edge":
        return Value(_edged(tensor, pairs), value.order)
    if mode not in ("constant", "reflect"):
        raise UncoveredError(f"padding by {mode}")
    fill = node.tensor(2) if node.has(2) else node.attribute("value", 0.0)
    fill = tf.reshape(tf.cast(fill, tensor.dtype), [])
    return Value(tf.pad(tensor, pairs, mode.upper(), fill), value.order)


def _bound_padded(value: Value, pairs: list[tuple[int, int]]) -> None:
    sizes = value.raw.shape.as_list()
    bound([max((size or 1) + sum(pair), 0) for size, pair in zip(sizes, pairs, strict=True)])


def _cut(tensor: Any, pairs: list[tuple[int, int]]) -> Any:
    if not any(pad < 0 for pair in pairs for pad in pair):
        return tensor
    return tensor[tuple(slice(max(-a, 0), min(b, 0) or None) for a, b in pairs)]


def _edged(tensor: Any, pairs: list[tuple[int, int]]) -> Any:
    """The first and the last of each axis, repeated."""
    import tensorflow as tf

    for axis, (before, behind) in enumerate(pairs):
        ahead: list[Any] = [slice(None)] * len(pairs)
        ahead[axis] = slice(0, 1)
        after = list(ahead)
        after[axis] = slice(-1, None)
        parts = [tensor[tuple(ahead)]] * before + [tensor] + [tensor[tuple(after)]] * behind
        tensor = tf.concat(parts, axis) if len(parts) > 1 else tensor
    return tensor


@operator("ReverseSequence", "Compress", "NonZero")
def others(node: Node) -> Any:
    """Parts whose number or order the model computes."""
    import tensorflow as tf

    if node.operator == "NonZero":
        places = tf.where(tf.not_equal(node.tensor(), tf.zeros([], node.value().dtype)))
        return tf.cast(tf.transpose(places), tf.int32)
    if node.operator == "Compress":
        axis = node.attribute("axis")
        data = tf.reshape(node.tensor(), [-1]) if axis is None else node.tensor()
        rows = tf.reshape(tf.where(node.tensor(1)), [-1])
        return tf.gather(data, rows, axis=axis or 0)
    times = node.attribute("time_axis", 0)
    batch = node.attribute("batch_axis", 1)
    return tf.reverse_sequence(node.tensor(), node.tensor(1), times, batch)
