"""What happens to a decoded image before a model sees it, here and in the browser client.

The steps, in this order, all in float32 on values 0 to 255:

1. Alpha, where there is one, is composited on white, as a page would show it:
   ``c = c * a / 255 + 255 * (1 - a / 255)``.
2. Colour: ``rgb`` and ``bgr`` repeat a grey channel three times; ``grey`` weighs
   ``0.299 r + 0.587 g + 0.114 b`` (ITU-R BT.601).
3. Resize to where ``fit`` says (fit.py), as ``resize`` says (resize.py). By default bilinear with
   half-pixel centres and no antialiasing, edges clamped; the same as
   ``tf.image.resize(method="bilinear", antialias=False)``. Along each axis, for output index
   ``i`` of ``n`` and ``m`` input pixels: ``x = (i + 0.5) * m / n - 0.5``,
   ``low = max(floor(x), 0)``, ``high = min(ceil(x), m - 1)``,
   ``out[i] = in[low] + (in[high] - in[low]) * (x - floor(x))``.
4. The border, where the image does not fill the size.
5. Scale ``[lo, hi]``, mean and std, as one factor and one offset for each channel:
   ``v * ((hi - lo) / 255 / std) + (lo - mean) / std``.
6. Layout and number format, as the model's input says; an integer one is rounded and clipped to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.inputs.image.fit import Span, spans
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.resize import sampled
from pipeline.tensors.arrays import Array, Float32s, NDArray, np

Image = Float32s

#: Values of an image that are floats at once.
BAND = 1 << 20

LUMA = (0.299, 0.587, 0.114)


def apply(image: NDArray[np.uint8], options: ImageOptions) -> Image:
    """Turn a decoded image into what a model reads.

    Args:
        image: uint8, [height, width] or [height, width, 1 (grey), 3 (RGB) or 4 (RGBA)].
        options: what to do.

    Returns:
        float32 [height, width, 3 or 1].
    """
    image = _channels_last(image)
    down, across = spans(options, *image.shape[:2])
    if options.resize == "bilinear":
        pixels = bilinear(bilinear(set_colour(image, options), 0, down), 1, across)
    else:
        pixels = sampled(_narrow(image, options, across), 0, options.resize, down)
    return normalize(_add_border(pixels, options, down, across), options)


def _narrow(image: NDArray[np.uint8], options: ImageOptions, across: Span) -> Image:
    """All rows as wide as the input, made so a few at a time: a photo takes far less than floats of
    all its pixels."""
    rows = max(1, BAND // (image.shape[1] * options.channels))
    bands = (image[top : top + rows] for top in range(0, len(image), rows))
    parts = [sampled(set_colour(band, options), 1, options.resize, across) for band in bands]
    return np.concatenate(parts)


def set_colour(image: NDArray[np.uint8], options: ImageOptions) -> Image:
    """The channels that the model reads: float32 [height, width, 3 or 1], 0 to 255."""
    return _coloured(_opaque(_float32(_channels_last(image))), options.color)


def normalize(pixels: Image, options: ImageOptions) -> Image:
    """The numbers that the model reads, of values 0 to 255."""
    factors, offsets = (np.array(values, np.float32) for values in options.linear())
    return _float32(pixels * factors + offsets)


def laid_out(values: Image, options: ImageOptions, shape: Sequence[int | None]) -> Image:
    """[height, width, channels] with the axis of channels where an input of this shape has it."""
    return np.moveaxis(values, -1, 0) if is_channels_first(options, shape) else values


def is_channels_first(options: ImageOptions, shape: Sequence[int | None]) -> bool:
    """Whether an input of this shape, batch included, is [batch, channels, height, width]."""
    if options.layout or len(shape) != 4:
        return options.layout == "nchw"
    return shape[1] == options.channels and shape[3] != options.channels


def thumbnail(values: Array, options: ImageOptions) -> NDArray[np.uint8] | None:
    """What a model was given of an image, as an image again.

    Args:
        values: one input of a sample.
        options: what had been done.

    Returns:
        uint8 [height, width, 3] or [height, width]; None where the input is no image.
    """
    if values.ndim != 3 or options.channels not in (values.shape[0], values.shape[-1]):
        return None
    first = is_channels_first(options, (None, *values.shape))
    last = np.moveaxis(values, 0, -1) if first else values
    factors, offsets = map(np.array, options.linear())
    pixels = (last.astype(np.float64) - offsets) / factors
    image: NDArray[np.uint8] = np.nan_to_num(pixels).round().clip(0, 255).astype(np.uint8)
    image = image[..., ::-1] if options.color == "bgr" else image
    return image.squeeze(-1) if image.shape[-1] == 1 else image


def cast(values: Array, dtype: str) -> Array:
    """In the number format of an input; integers are rounded, halves to even, and clipped."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        bounds = np.iinfo(kind)
        return np.clip(np.rint(values), bounds.min, bounds.max).astype(kind)
    return values.astype(kind)


def _float32(values: Any) -> Image:
    return np.asarray(values, np.float32)


def _channels_last(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != "uint8" or image.ndim not in (2, 3):
        raise ValueError(f"not a uint8 image: {image.dtype} {image.shape}")
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(f"an image has 1, 3 or 4 channels, this has {pixels.shape[-1]}")
    return pixels


def _opaque(pixels: Image) -> Image:
    if pixels.shape[-1] != 4:
        return pixels
    alpha = pixels[..., 3:] / _float32(255)
    return _float32(pixels[..., :3] * alpha + 255 * (1 - alpha))


def _coloured(pixels: Image, color: str) -> Image:
    grey = pixels.shape[-1] == 1
    if color != "grey":
        whole = pixels.repeat(3, axis=-1) if grey else pixels
        return whole[..., ::-1] if color == "bgr" else whole
    if not grey:
        return _float32(sum(pixels[..., i : i + 1] * _float32(w) for i, w in enumerate(LUMA)))
    return pixels


def resize_axis(pixels: Image, axis: int, size: int) -> Image:
    """Bilinearly, to another size along one axis."""
    return bilinear(pixels, axis, Span(0, pixels.shape[axis], size, 0, size, 0))


def bilinear(pixels: Image, axis: int, span: Span) -> Image:
    """Of one axis what a span says, without antialiasing."""
    if span.before == span.after == span.count == pixels.shape[axis]:
        return pixels
    # float32 as in TensorFlow: rounded otherwise, an x near a whole number picks other pixels.
    step = np.float32(span.before) / np.float32(span.after)
    out = np.arange(span.first, span.first + span.count, dtype=np.float32)
    x = (out + np.float32(0.5)) * step - np.float32(0.5)
    floor = np.floor(x)
    below = np.maximum(floor, 0).astype(np.int64) + span.start
    above = np.minimum(np.ceil(x), span.before - 1).astype(np.int64) + span.start
    low, high = pixels.take(below, axis), pixels.take(above, axis)
    fraction = (x - floor).reshape([-1 if i == axis else 1 for i in range(pixels.ndim)])
    return _float32(low + (high - low) * fraction)


def _add_border(pixels: Image, options: ImageOptions, down: Span, across: Span) -> Image:
    """What there is of the image, amid the border that fills the rest of the size."""
    size = options.size or pixels.shape[:2]
    if pixels.shape[:2] == size:
        return pixels
    sides = [
        (span.offset, whole - span.offset - span.count)
        for span, whole in zip((down, across), size, strict=True)
    ]
    if options.border == "replicate":
        return np.pad(pixels, [*sides, (0, 0)], mode="edge")
    bordered = np.empty((*size, options.channels), np.float32)
    bordered[:] = border_colour(options)
    bordered[sides[0][0] :, sides[1][0] :][: down.count, : across.count] = pixels
    return bordered


def border_colour(options: ImageOptions) -> Image:
    """What pixels beyond the image are, unless its own are repeated: [channels], 0 to 255."""
    levels = options.border if isinstance(options.border, tuple) else (0, 0, 0)
    colour: Image = set_colour(np.array([[levels]], np.uint8), options)[0, 0]
    return colour
