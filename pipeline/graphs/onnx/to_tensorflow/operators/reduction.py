"""What puts an axis together, or orders it: sums, softmax, the largest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.value import Value, numbers
from pipeline.tensors.arrays import np


@operator(
    *(f"Reduce{how}" for how in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum")),
    "ReduceLogSumExp",
    "ReduceSumSquare",
)
def reduce(node: Node) -> Value:
    """Over all axes where none is named, unless an option says that this means none."""
    value = node.value()
    axes = node.integers("axes", 1) or []
    if not axes and node.attribute("noop_with_empty_axes", 0):
        return value
    axes = [value.axis(axis) for axis in axes or range(value.rank)]
    keep = bool(node.attribute("keepdims", 1))
    result = _functions()[node.operator.removeprefix("Reduce")](value.raw, axes, keep)
    return Value(result, value.order if keep else left(value, axes))


def left(value: Value, gone: list[int]) -> tuple[int, ...] | None:
    """The order of a tensor that some of its own axes are gone from."""
    if value.order is None:
        return None
    staying = [onnx for axis, onnx in enumerate(value.order) if axis not in gone]
    return tuple(sorted(staying).index(onnx) for onnx in staying)


def _functions() -> dict[str, Callable[..., Any]]:
    import tensorflow as tf

    def total(x: Any, axes: Any, keep: bool) -> Any:
        return tf.reduce_sum(x, axes, keep)

    return {
        "Mean": tf.reduce_mean,
        "Sum": total,
        "Max": tf.reduce_max,
        "Min": tf.reduce_min,
        "Prod": tf.reduce_prod,
        "L1": lambda x, axes, keep: total(tf.abs(x), axes, keep),
        "L2": lambda x, axes, keep: tf.sqrt(total(tf.square(x), axes, keep)),
        "LogSum": lambda x, axes, keep: tf.math.log(total(x, axes, keep)),
        "LogSumExp": _log_sum_exp,
        "SumSquare": lambda x, axes, keep: total(tf.square(x), axes, keep),
    }


def _log_sum_exp(x: Any, axes: Any, keep: bool) -> Any:
    import tensorflow as tf

    top = tf.reduce_max(x, axes, keepdims=True)
    result = tf.math.log(tf.reduce_sum(tf.exp(x - top), axes, keepdims=True)) + top
    return result if keep else tf.squeeze(result, axes)


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmax(node: Node) -> Value:
    """Of one axis since opset 13; before, of all axes from ``axis`` on as one."""
    value = node.value()
    axis = node.attribute("axis", -1 if node.opset >= 13 else 1)
    last = axis % value.rank == value.rank - 1
    if node.opset < 13 and not last and _several(value, axis):
        return _of_rest(node, value, axis % value.rank)
    # TensorFlow has it of the last axis alone.
    place = value.axis(axis)
    order = list(value.order or range(value.rank))
    order.append(order.pop(place))
    return Value(_kind(node)(value.ordered(tuple(order))), tuple(order))


def _kind(node: Node) -> Callable[[Any], Any]:
    import tensorflow as tf

    def hardmax(x: Any) -> Any:
        return tf.one_hot(tf.argmax(x, -1, tf.int32), x.shape[-1], dtype=x.dtype)

    kinds: dict[str, Callable[[Any], Any]] = {
        "Softmax": tf.nn.softmax,
        "LogSoftmax": tf.nn.log_softmax,
        "Hardmax": hardmax,
    }
    return kinds[node.operator]


def _several(value: Value, axis: int) -> bool:
    """Whether more than one number lies behind the axis."""
    return any(size != 1 for size in value.shape[axis % value.rank + 1 :])


def _of_rest(node: Node, value: Value, axis: int) -> Value:
    import tensorflow as tf

    rest = value.shape[axis:]
    if None in rest:
        raise UncoveredError("a softmax over several axes, one of free size,")
    x = value.onnx()
    rows = tf.reshape(x, [-1, int(np.prod([size or 0 for size in rest]))])
    return Value(tf.reshape(_kind(node)(rows), tf.shape(x)))


@operator("ArgMax", "ArgMin")
def arg(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    axis = value.axis(node.attribute("axis", 0))
    function = tf.argmax if node.operator == "ArgMax" else tf.argmin
    if node.attribute("select_last_index", 0):
        raise UncoveredError("the last one of several that are largest")
    result = function(value.raw, axis, tf.int32)
    if node.attribute("keepdims", 1):
        return Value(tf.expand_dims(result, axis), value.order)
    return Value(result, left(value, [axis]))


@operator("TopK")
def top_k(node: Node) -> list[Value]:
    """The smallest are the largest of the negatives."""
    import tensorflow as tf

    value = node.value()
    count = node.attribute("k") or numbers(node.constant(1, "a number of the largest"))[0]
    place = value.axis(node.attribute("axis", -1))
    order = list(value.order or range(value.rank))
    order.append(order.pop(place))
    x = value.ordered(tuple(order))
    smallest = not node.attribute("largest", 1)
    largest = tf.math.top_k(-x if smallest else x, count, sorted=True)
    values = -largest.values if smallest else largest.values
    return [Value(values, tuple(order)), Value(largest.indices, tuple(order))]


@operator("CumSum")
def cumulated(node: Node) -> Value:
    import tensorflow as tf

    value = node.value()
    axis = value.axis(numbers(node.constant(1, "an axis"))[0])
    options = {key: bool(node.attribute(key, 0)) for key in ("exclusive", "reverse")}
    return Value(tf.cumsum(value.raw, axis, **options), value.order)
