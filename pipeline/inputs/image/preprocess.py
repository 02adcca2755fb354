"""What happens to a decoded image before a model sees it, here and in the browser client.

The steps, in this order, all in float32 on values 0 to 255:

1. Alpha, where there is one, is composited on white, as a page would show it:
   ``c = c * a / 255 + 255 * (1 - a / 255)``.
2. Colour: ``rgb`` repeats a grey channel three times; ``grey`` weighs
   ``0.299 r + 0.587 g + 0.114 b`` (ITU-R BT.601).
3. Resize: bilinear with half-pixel centres and no antialiasing, edges clamped; the same as
   ``tf.image.resize(method="bilinear", antialias=False)``. Along each axis, for output index
   ``i`` of ``n`` and ``m`` input pixels: ``x = (i + 0.5) * m / n - 0.5``,
   ``low = max(floor(x), 0)``, ``high = min(ceil(x), m - 1)``,
   ``out[i] = in[low] + (in[high] - in[low]) * (x - floor(x))``.
4. Scale ``[lo, hi]``: ``v * (hi - lo) / 255 + lo``.
"""

from __future__ import annotations

from typing import Any

from pipeline.inputs.image.options import ImageOptions
from pipeline.tensors.arrays import Array, Float32s, NDArray, np

Image = Float32s

LUMA = (0.299, 0.587, 0.114)


def apply(image: NDArray[np.uint8], options: ImageOptions) -> Image:
    """Turn a decoded image into a model input.

    Args:
        image: uint8, [height, width] or [height, width, 1 (grey), 3 (RGB) or 4 (RGBA)].
        options: what to do.

    Returns:
        float32 [height, width, 3 or 1].
    """
    pixels = _coloured(_opaque(_channels_last(image)), options.color)
    if options.size is not None:
        for axis, size in enumerate(options.size):
            pixels = resized(pixels, axis, size)
    low, high = options.scale
    return _float32(pixels * _float32((high - low) / 255) + _float32(low))


def _float32(values: Any) -> Image:
    return np.asarray(values, np.float32)


def _channels_last(image: NDArray[np.uint8]) -> Image:
    if image.dtype != "uint8" or image.ndim not in (2, 3):
        raise ValueError(f"not a uint8 image: {image.dtype} {image.shape}")
    pixels = _float32(image)
    channels: Image = pixels[..., None] if pixels.ndim == 2 else pixels
    if channels.shape[-1] not in (1, 3, 4):
        raise ValueError(f"an image has 1, 3 or 4 channels, this has {channels.shape[-1]}")
    return channels


def _opaque(pixels: Image) -> Image:
    if pixels.shape[-1] != 4:
        return pixels
    alpha = pixels[..., 3:] / _float32(255)
    return _float32(pixels[..., :3] * alpha + 255 * (1 - alpha))


def _coloured(pixels: Image, color: str) -> Image:
    grey = pixels.shape[-1] == 1
    if color == "rgb" and grey:
        return pixels.repeat(3, axis=-1)
    if color == "grey" and not grey:
        return _float32(sum(pixels[..., i : i + 1] * _float32(w) for i, w in enumerate(LUMA)))
    return pixels


def resized(pixels: Image, axis: int, size: int) -> Image:
    before = pixels.shape[axis]
    if before == size:
        return pixels
    # float32 as in TensorFlow: rounded otherwise, an x near a whole number picks other pixels.
    step = np.float32(before) / np.float32(size)
    x = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
    floor = np.floor(x)
    low = pixels.take(np.maximum(floor, 0).astype(np.int64), axis)
    high = pixels.take(np.minimum(np.ceil(x), before - 1).astype(np.int64), axis)
    fraction = (x - floor).reshape([-1 if i == axis else 1 for i in range(pixels.ndim)])
    return _float32(low + (high - low) * fraction)


def thumbnail(values: Array, options: ImageOptions) -> NDArray[np.uint8] | None:
    """What a model was given of an image, as an image again.

    Args:
        values: one input of a sample.
        options: what had been done.

    Returns:
        uint8 [height, width, 3] or [height, width]; None where the input is no image.
    """
    if values.ndim != 3 or values.shape[-1] not in (1, 3):
        return None
    low, high = options.scale
    pixels = (values.astype(np.float64) - low) * (255 / (high - low))
    made: NDArray[np.uint8] = np.nan_to_num(pixels).round().clip(0, 255).astype(np.uint8)
    return made.squeeze(-1) if made.shape[-1] == 1 else made
