"""Images of another size: TF.js samples other pixels than Keras, so that it is two products.

Whatever resizes an image row by row and column by column multiplies it by one matrix for its
height and one for its width; a Dense layer does each. The matrices are the layer's own answers.
"""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    dense,
    permute,
)
from pipeline.tensors.arrays import Float32s, np

#: Images of one row or column each that are resized at once.
_AT_ONCE = 32

#: Rows behind columns behind channels.
_TURN = (2, 3, 1)


def _resampled(entry: Config, layer: Any) -> list[Piece]:
    """A layer that takes pixels from others of an image, near or far, and only sums them."""
    name, shape = entry["config"]["name"], layer.input_shape[1:]
    if None in shape:
        raise cannot(name, entry["class_name"], "the size of its input is free")
    height, width = (_matrix(layer, axis) for axis in (0, 1))
    return chain(
        permute(f"{name}_columns", _TURN),
        dense(f"{name}_height", height),
        permute(f"{name}_rows", _TURN),
        dense(f"{name}_width", width),
        permute(name, _TURN),
    )


def _center_crop(entry: Config, layer: Any) -> list[Piece]:
    """A crop; of an image that is too small Keras makes a larger one."""
    name, shape = entry["config"]["name"], layer.input_shape[1:]
    if None in shape:
        raise cannot(name, "CenterCrop", "the size of its input is free")
    over = [
        int(size) - target for size, target in zip(shape, (layer.height, layer.width), strict=False)
    ]
    if min(over) < 0:
        return _resampled(entry, layer)
    cropping = [[size // 2, size - size // 2] for size in over]
    return [Piece("Cropping2D", {"name": name, "cropping": cropping})]


def _upsampled(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js repeats pixels as Keras does, and interpolates between others."""
    if entry["config"].get("interpolation", "nearest") == "nearest":
        return None
    return _resampled(entry, layer)


def _matrix(layer: Any, axis: int) -> Float32s:
    """float32 [old size, new size] of the height (0) or the width (1)."""
    size = int(layer.input_shape[1 + axis])
    return np.concatenate([_answers(layer, axis, start) for start in range(0, size, _AT_ONCE)])


def _answers(layer: Any, axis: int, start: int) -> Float32s:
    """What becomes of images that are 1 in one row (or column) and 0 elsewhere."""
    sizes = [int(size) for size in layer.input_shape[1:3]]
    rows = np.eye(sizes[axis], dtype=np.float32)[start : start + _AT_ONCE]
    images = rows[:, :, None] if axis == 0 else rows[:, None, :]
    images = np.broadcast_to(images, (len(rows), *sizes))[..., None]
    resized = np.asarray(layer(np.ascontiguousarray(images)), np.float32)[..., 0]
    answers: Float32s = resized[:, :, 0] if axis == 0 else resized[:, 0, :]
    return answers


REWRITES: dict[str, Rewrite] = {
    "CenterCrop": _center_crop,
    "Resizing": _resampled,
    "UpSampling2D": _upsampled,
}
