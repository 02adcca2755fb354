"""Resizing of images, and of whatever has axes: one weighted sum along each axis."""

from __future__ import annotations

from typing import Any

from pipeline.graphs.onnx.to_tensorflow import sampling
from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.graphs.onnx.to_tensorflow.sampling import Axis
from pipeline.graphs.onnx.to_tensorflow.size import bound
from pipeline.graphs.onnx.to_tensorflow.value import Value, channels_last, numbers
from pipeline.tensors.arrays import Array, np

#: Where TensorFlow's operators take their samples: align_corners, half_pixel_centers.
_FLAVOURS = {(False, True): "half_pixel", (True, False): "align_corners"}
_FLAVOURS[False, False] = "asymmetric"


@operator("Resize", "Upsample")
def resize(node: Node) -> Value:
    value = node.value()
    how = _options(node)
    axes = _axes(node, value)
    if None in [axis.before for axis in axes.values()]:
        return _free(value, axes, how)
    bound([size or 1 for size in value.shape] + [axis.after or 1 for axis in axes.values()])
    matrices = {place: sampling.matrix(axis, how) for place, axis in axes.items()}
    changed = {
        place: matrix
        for place, matrix in matrices.items()
        if matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, np.eye(len(matrix)))
    }
    if not changed:
        return value
    resized = (
        _own(value, axes, changed, how) if value.rank == 4 and set(changed) <= {2, 3} else None
    )
    return resized or _along(value, changed, how)


def _options(node: Node) -> sampling.How:
    """Until opset 11 nothing was said of where samples lie."""
    old = node.opset < 11
    named = "asymmetric" if old else node.attribute("coordinate_transformation_mode", "half_pixel")
    mode = node.attribute("mode", "nearest")
    how = sampling.How(
        mode="linear" if mode == "bilinear" else mode,
        coordinates=named,
        rounding="floor" if old else node.attribute("nearest_mode", "round_prefer_floor"),
        cubic=node.attribute("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.attribute("exclude_outside", 0)),
        antialias=bool(node.attribute("antialias", 0)),
    )
    if named not in sampling.COORDINATES or how.mode not in ("nearest", "linear", "cubic"):
        raise UncoveredError(f"resizing by {how.mode} with {named}")
    if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UncoveredError("resizing that keeps the aspect ratio")
    return how


def _axes(node: Node, value: Value) -> dict[int, Axis]:
    """ONNX's axis -> how large it is before and after."""
    listed = node.attribute("axes", list(range(value.rank)))
    axes = [axis % value.rank for axis in listed]
    scales, sizes = _scales(node), _sizes(node)
    if sizes is None and scales is None:
        raise ValueError("it has neither sizes nor scales")
    result = {}
    for i, axis in enumerate(axes):
        before = value.shape[axis]
        if sizes is not None:
            if before is None:
                raise UncoveredError("resizing of a free size to a fixed one")
            result[axis] = Axis(before, sizes[i], sizes[i] / max(before, 1))
        else:
            scale = float(scales[i])  # type: ignore[index]
            after = (
                None if before is None else int(np.floor(np.float32(before) * np.float32(scale)))
            )
            result[axis] = Axis(before, after, scale)
    # A free batch stays as it is.
    return {a: axis for a, axis in result.items() if axis.before is not None or axis.scale != 1}


def _scales(node: Node) -> list[float] | None:
    if (listed := node.attribute("scales")) is not None:
        return list(listed)
    index = 1 if node.opset < 11 else 2
    array = node.constant(index, "scales") if node.has(index) else None
    return array.reshape(-1).tolist() if array is not None and array.size else None


def _sizes(node: Node) -> list[int] | None:
    """Where it has them; those of axes that stay may be free, and are not looked at."""
    if node.opset < 11 or not node.has(3):
        return None
    value = node.value(3)
    if value.constant is not None:
        return numbers(value.constant) or None
    known = node.inferred()
    axes = node.attribute("axes", range(node.value().rank))
    if known is None:
        raise UncoveredError("sizes that the model computes")
    same = node.value().shape
    if any(known[axis] is None and same[axis] is not None for axis in axes):
        raise UncoveredError("sizes that the model computes")
    return [known[axis] or 0 for axis in axes]


def _own(
    value: Value, axes: dict[int, Axis], changed: dict[int, Array], how: sampling.How
) -> Value | None:
    """By TensorFlow's operator, where one takes the same samples."""
    if how.mode == "cubic" or how.antialias:
        return None
    sizes = [axes[i].after if i in axes else value.shape[i] for i in (2, 3)]
    for flags, coordinates in _FLAVOURS.items():
        rounding = "half_up" if coordinates == "align_corners" else "floor"
        place = "pixel_centers" if how.mode == "nearest" and flags[1] else coordinates
        theirs = sampling.How(how.mode, place, rounding)
        if all(
            np.allclose(sampling.matrix(_plain(axes[axis]), theirs), matrix, atol=1e-6)
            for axis, matrix in changed.items()
        ):
            return _operator(value, sizes, how.mode, *flags)
    return None


def _plain(axis: Axis) -> Axis:
    """TensorFlow knows sizes alone."""
    return Axis(axis.before, axis.after, (axis.after or 0) / max(axis.before or 1, 1))


def _operator(value: Value, sizes: Any, mode: str, align: bool, half: bool) -> Value:
    import tensorflow as tf

    order = channels_last(4)
    name = "ResizeBilinear" if mode == "linear" else "ResizeNearestNeighbor"
    result = getattr(tf.raw_ops, name)(
        images=value.ordered(order), size=sizes, align_corners=align, half_pixel_centers=half
    )
    return Value(result, order)


def _along(value: Value, changed: dict[int, Array], how: sampling.How) -> Value:
    """Axis by axis: nearest pixels are gathered, others are products with a matrix."""
    import tensorflow as tf

    order, tensor = value.order, value.raw
    for axis, matrix in changed.items():
        place = Value(tensor, order).axis(axis)
        if how.mode == "nearest":
            tensor = tf.gather(tensor, matrix.argmax(1).astype(np.int32), axis=place)
            continue
        last = [*(order or range(value.rank))]
        last.append(last.pop(place))
        flat = Value(tensor, order).ordered(tuple(last))
        # [..., before] @ [before, after]
        tensor = tf.matmul(flat, tf.constant(matrix.T.astype(flat.dtype.as_numpy_dtype)))
        order = Value(tensor, tuple(last)).order
    return Value(tensor, order)


def _free(value: Value, axes: dict[int, Axis], how: sampling.How) -> Value:
    """Of an image whose size is free: by whole factors, which no rounding decides."""
    import tensorflow as tf

    factors = [axes[i].scale if i in axes else 1.0 for i in (2, 3)]
    whole = all(factor == int(factor) >= 1 for factor in factors)
    flags = {name: flags for flags, name in _FLAVOURS.items()}.get(how.coordinates)
    plain = how.mode == "linear" or (flags == (False, False) and how.rounding == "floor")
    plain |= flags == (False, True) and how.rounding.startswith("round")
    if (
        value.rank != 4
        or not whole
        or not plain
        or flags is None
        or how.antialias
        or set(axes) - {2, 3}
    ):
        raise UncoveredError("this resizing of a free size")
    image = value.ordered(channels_last(4))
    sizes = tf.shape(image)[1:3] * tf.constant([int(factor) for factor in factors])
    return _operator(value, sizes, how.mode, *flags)
