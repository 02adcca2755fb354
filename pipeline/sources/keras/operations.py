"""Operations of ``keras.ops`` between layers, as layers of tf_keras; TF.js has those as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.sources.keras import activations
from pipeline.sources.keras.activations import COMPOSED
from pipeline.sources.keras.composed import NoTwinError, set_behind
from pipeline.tensors.arrays import Array, np

Twin = Callable[..., Any]


def twin_of_operation(operation: Any) -> Twin:
    """What does the same as an operation.

    Raises:
        NoTwinError: nothing does; the twin itself raises it for operands on which that is so.
    """
    import tf_keras

    kind, name = type(operation).__name__, operation.name
    if getattr(operation, "alpha", 1.0) != 1:
        raise NoTwinError("tf_keras has it with alpha=1 only")
    if activation := activations.OPERATIONS.get(kind):
        if activation in COMPOSED:
            return COMPOSED[activation](name)
        renamed = activations.RENAMED.get(activation, activation)
        layer: Twin = tf_keras.layers.Activation(renamed, name=name)
        return layer
    if kind not in _TWINS:
        raise NoTwinError("tf_keras has no layer for this operation")
    return lambda *operands, **more: _TWINS[kind](operation, *operands, **more)


def _leaky_relu(operation: Any, x: Any) -> Any:
    import tf_keras

    return tf_keras.layers.LeakyReLU(operation.negative_slope, name=operation.name)(x)


def _softmax(operation: Any, x: Any) -> Any:
    import tf_keras

    return tf_keras.layers.Softmax(axis=operation.axis, name=operation.name)(x)


def _arithmetic(operation: Any, a: Any, b: Any) -> Any:
    import tf_keras

    layers, name, kind = tf_keras.layers, operation.name, type(operation).__name__
    if isinstance(a, (int, float)) and kind in ("Add", "Multiply"):
        a, b = b, a
    if isinstance(b, (int, float)):
        scale = {"Multiply": b, "Divide": 1 / (b or 1), "TrueDivide": 1 / (b or 1)}.get(kind, 1.0)
        offset = {"Add": b, "Subtract": -b}.get(kind, 0.0)
        return layers.Rescaling(float(scale), offset=float(offset), name=name)(a)
    if isinstance(a, (int, float)) and kind == "Subtract":
        return layers.Rescaling(-1.0, offset=float(a), name=name)(b)
    if "Divide" in kind:
        raise NoTwinError("tf_keras has no layer that divides tensors")
    if not _is_tensor(a) and kind != "Subtract":
        a, b = b, a
    if not all(_is_tensor(operand) for operand in (a, b)):
        return _with_constant(operation, a, np.asarray(b))
    return getattr(layers, kind)(name=name)([a, b])


def _with_constant(operation: Any, x: Any, constant: Array) -> Any:
    """Of a place for each number of a sample, as a batch norm of what is normal already."""
    import tf_keras

    layers, name, sizes = tf_keras.layers, operation.name, _sizes(x)
    if not _is_tensor(x) or _sizes(operation.output) != sizes:
        raise NoTwinError("tf_keras has no layer for this operation on these operands")
    values = np.broadcast_to(constant, (1, *sizes)).ravel()
    ones, is_factor = np.ones_like(values), type(operation).__name__ == "Multiply"
    sign = -1 if type(operation).__name__ == "Subtract" else 1
    both = (values, 0 * ones) if is_factor else (ones, sign * values)
    norm = layers.BatchNormalization(epsilon=0.0, name=f"{name}_constant")
    x = layers.Reshape((values.size,), name=f"{name}_flat")(x)
    return layers.Reshape(sizes, name=name)(set_behind(norm, *both, 0 * ones, ones)(x))


def _negative(operation: Any, x: Any) -> Any:
    import tf_keras

    return tf_keras.layers.Rescaling(-1.0, name=operation.name)(x)


def _square(operation: Any, x: Any, exponent: Any = 2) -> Any:
    import tf_keras

    if not isinstance(exponent, int | float) or exponent != 2:
        raise NoTwinError("tf_keras has no layer for powers other than squares")
    return tf_keras.layers.Multiply(name=operation.name)([x, x])


def _reshape(operation: Any, x: Any) -> Any:
    """Whatever changes the shape of each sample, and leaves the batch."""
    import tf_keras

    sizes = _sizes(operation.output)
    if np.prod(sizes) != np.prod(_sizes(x)):
        raise NoTwinError("it changes the batch")
    return tf_keras.layers.Reshape(sizes, name=operation.name)(x)


def _transpose(operation: Any, x: Any) -> Any:
    import tf_keras

    axes = [axis % len(x.shape) for axis in operation.axes or range(len(x.shape))[::-1]]
    if axes[0] != 0:
        raise NoTwinError("it moves the batch")
    return tf_keras.layers.Permute(axes[1:], name=operation.name)(x)


def _concatenate(operation: Any, tensors: Sequence[Any]) -> Any:
    import tf_keras

    if operation.axis % len(tensors[0].shape) == 0:
        raise NoTwinError("it joins batches")
    return tf_keras.layers.Concatenate(operation.axis, name=operation.name)(tensors)


def _matmul(operation: Any, a: Any, b: Any) -> Any:
    import tf_keras

    if [len(getattr(operand, "shape", ())) for operand in (a, b)] != [3, 3]:
        raise NoTwinError("tf_keras multiplies tensors of three axes only")
    return tf_keras.layers.Dot((2, 1), name=operation.name)([a, b])


def _reduced(operation: Any, x: Any) -> Any:
    """A sum or a mean over some axes, as a product with equal numbers."""
    import tf_keras

    layers, name, sizes = tf_keras.layers, operation.name, _sizes(x)
    axes = range(len(x.shape)) if operation.axis is None else operation.axis
    axes = sorted(axis % len(x.shape) for axis in ([axes] if isinstance(axes, int) else axes))
    if 0 in axes:
        raise NoTwinError("it joins the samples of a batch")
    staying = [axis for axis in range(1, len(x.shape)) if axis not in axes]
    count = int(np.prod([sizes[axis - 1] for axis in axes]))
    share = 1 / count if type(operation).__name__ == "Mean" else 1.0
    x = layers.Permute([*staying, *axes], name=f"{name}_order")(x)
    x = layers.Reshape((*(sizes[axis - 1] for axis in staying), count), name=f"{name}_joined")(x)
    dense = layers.Dense(1, use_bias=False, name=f"{name}_sum")
    x = set_behind(dense, np.full((count, 1), share))(x)
    return layers.Reshape(_sizes(operation.output), name=name)(x)


def _item(operation: Any, x: Any, key: Any) -> Any:
    """``x[:, 1:, None, 0]``: what is cut off, then another shape."""
    import tf_keras

    layers, sizes, name = tf_keras.layers, list(_sizes(x)), operation.name
    for axis, (start, stop) in enumerate(_ranges(key, [None, *sizes])):
        if (start, stop) == (0, sizes[axis]):
            continue
        before, after = int(np.prod(sizes[:axis])), int(np.prod(sizes[axis + 1 :]))
        x = layers.Reshape((before, sizes[axis], after), name=f"{name}_axis{axis}")(x)
        sides = ((0, 0), (start, sizes[axis] - stop))
        x = layers.Cropping2D(sides, name=f"{name}_cut{axis}")(x)
        sizes[axis] = stop - start
    return layers.Reshape(_sizes(operation.output), name=name)(x)


def _ranges(key: Any, sizes: Sequence[int | None]) -> list[tuple[int, int]]:
    """What is taken of each axis behind the batch."""
    keys = [item for item in (key if isinstance(key, (tuple, list)) else [key]) if item is not None]
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        keys[place : place + 1] = [slice(None)] * (len(sizes) - len(keys) + 1)
    keys += [slice(None)] * (len(sizes) - len(keys))
    if keys[0] != slice(None):
        raise NoTwinError("it takes some samples of a batch")
    slices = [slice(item, item + 1 or None) if isinstance(item, int) else item for item in keys[1:]]
    if any(not isinstance(item, slice) or item.step not in (None, 1) for item in slices):
        raise NoTwinError("tf_keras cuts from one place to another only")
    return [item.indices(int(size or 0))[:2] for item, size in zip(slices, sizes[1:], strict=True)]


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "_keras_history")


def _sizes(tensor: Any) -> tuple[int, ...]:
    """Without the batch."""
    if None in tensor.shape[1:]:
        raise NoTwinError("the size of its input is free")
    return tuple(int(size) for size in tensor.shape[1:])


_TWINS: dict[str, Twin] = {
    **dict.fromkeys(("Add", "Divide", "Multiply", "Subtract", "TrueDivide"), _arithmetic),
    **dict.fromkeys(("ExpandDims", "Reshape", "Squeeze"), _reshape),
    **dict.fromkeys(("Mean", "Sum"), _reduced),
    **dict.fromkeys(("Power", "Square"), _square),
    "Concatenate": _concatenate,
    "GetItem": _item,
    "LeakyRelu": _leaky_relu,
    "Matmul": _matmul,
    "Negative": _negative,
    "Softmax": _softmax,
    "Transpose": _transpose,
}
