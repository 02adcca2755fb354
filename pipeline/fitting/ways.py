"""The usual ways in which an image becomes a model's input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.inputs.image.options import ImageOptions
from pipeline.tensors.arrays import Float32s, NDArray, np

Image = Float32s

#: What 0 and 255 become, as Keras' applications, torchvision and most tutorials have it.
SCALES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))

#: Of ImageNet's training images, by channel, as shares of 255 (torchvision, Keras' "torch" mode).
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = "ImageNet's mean, std"

#: What `input.image` does.
OURS = "bilinear"

#: Name -> method of tf.image.resize, and whether it looks at all pixels when it makes fewer.
RESIZES = {
    "bilinear, antialiased": ("bilinear", True),
    "bicubic, antialiased": ("bicubic", True),
    "area": ("area", False),
    "nearest": ("nearest", False),
}

#: The longer side is cut to the shorter one first, as torchvision's recipes do.
SQUARE = "central square, antialiased"

#: What `input.image` calls them.
SAID = {
    "bilinear, antialiased": "resize: bilinear-antialias",
    "bicubic, antialiased": "resize: bicubic-antialias",
    SQUARE: "fit: crop-first, resize: bilinear-antialias",
}


@dataclass(frozen=True)
class Way:
    """One way; as the config has it, where nothing else is said."""

    scale: str
    """``[-1, 1]``, or ``IMAGENET``."""
    channels: str = "RGB"
    """``RGB``, ``BGR`` or ``grey``."""
    resize: str = OURS

    @property
    def sayable(self) -> bool:
        """Whether `input.image` can say it."""
        return self.resize in SAID or self.resize not in RESIZES


def of_config(options: ImageOptions) -> Way:
    """The way that a config has."""
    scale = scale_in_words(options.scale)
    if (options.scale, options.mean, options.std) == ((0.0, 1.0), MEAN, STD):
        scale = IMAGENET
    elif options.mean or options.std:
        scale += ", mean, std"
    channels = options.color if options.color == "grey" else options.color.upper()
    return Way(scale, channels, options.resize)


def config_of(way: Way, options: ImageOptions) -> str:
    """What a config is to say under ``input.image`` for a way that it can say."""
    size = [f"size: {list(options.size)}"] if options.size else []
    resize = SAID.get(way.resize, f"resize: {way.resize}")
    numbers = f"mean: {list(MEAN)}, std: {list(STD)}" if way.scale == IMAGENET else None
    parts = [*size, f"color: {way.channels.lower()}", numbers or f"scale: {way.scale}"]
    return ", ".join([*parts, *([resize] if way.resize != OURS else [])])


def scale_in_words(scale: tuple[float, float]) -> str:
    return "[{:g}, {:g}]".format(*scale)


def list_scales(own: Way) -> Iterator[Way]:
    """Every scale, with every order of channels."""
    # What a config has of its own is tried with its own channels only.
    scales = dict.fromkeys([*map(scale_in_words, SCALES), IMAGENET])
    if own.scale not in scales:
        yield own
    for channels in (own.channels,) if own.channels == "grey" else ("RGB", "BGR"):
        for scale in scales:
            if not (scale == IMAGENET and channels == "grey"):
                yield replace(own, scale=scale, channels=channels)


def list_resizes(way: Way) -> Iterator[Way]:
    """Every other way of resizing."""
    for name in (*RESIZES, SQUARE):
        yield replace(way, resize=name)


def apply_way(image: NDArray[np.uint8], way: Way, options: ImageOptions) -> Image:
    """An image as the model would see it.

    Args:
        image: uint8, as decoded.
        way: what to do.
        options: the config's, for the size and the number of channels.

    Returns:
        float32 [height, width, channels].
    """
    from pipeline.inputs.image.preprocess import apply

    if way == of_config(options):
        return apply(image, options)
    color: Literal["rgb", "grey"] = "grey" if options.color == "grey" else "rgb"
    plain = {"color": color, "scale": (0.0, 255.0), "mean": None, "std": None}
    if way.resize in (*RESIZES, SQUARE):
        whole = ImageOptions.model_validate(plain)
        pixels = _resize(way.resize)(apply(image, whole), options.size)
    else:
        pixels = apply(image, options.model_copy(update=plain | {"resize": way.resize}))
    pixels = pixels[..., ::-1] if way.channels == "BGR" else pixels
    return _scale(pixels, way.scale)


def _resize(name: str) -> Callable[[Image, tuple[int, int] | None], Image]:
    def resize(pixels: Image, size: tuple[int, int] | None) -> Image:
        import tensorflow as tf

        if size is None:
            return pixels
        if name == SQUARE:
            pixels = _square(pixels)
        method, antialias = RESIZES.get(name, ("bilinear", True))
        resized: Image = tf.image.resize(pixels, size, method=method, antialias=antialias).numpy()
        return resized

    return resize


def _square(pixels: Image) -> Image:
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _scale(pixels: Any, scale: str) -> Image:
    if scale == IMAGENET:
        values = (pixels / 255 - np.array(MEAN)) / np.array(STD)
    else:
        low, high = map(float, scale.strip("[]").split(","))
        values = pixels * np.float32((high - low) / 255) + np.float32(low)
    return np.asarray(values, np.float32)
