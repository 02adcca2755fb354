"""How images become inputs: the options, as a config gives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.base.options import StrictOptions

Side = Annotated[int, Field(ge=1, le=8192)]
Level = Annotated[int, Field(ge=0, le=255)]
#: One number for each channel, in the order in which the model reads them.
Channels = Annotated[tuple[float, ...], Field(min_length=1, max_length=3)]

Fit = Literal["stretch", "letterbox", "pad", "crop", "crop-first"]
Resize = Literal[
    "bilinear",
    "bicubic",
    "bilinear-antialias",
    "bicubic-antialias",
    "bilinear-pillow",
    "bicubic-pillow",
    "bicubic-torch",
]


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] >= scale[1]:
        raise ValueError("the first number must be below the second")
    return scale


def _positive(std: tuple[float, ...]) -> tuple[float, ...]:
    if min(std) <= 0:
        raise ValueError("every number must be above 0")
    return std


class ImageOptions(StrictOptions):
    """How a decoded image becomes the model's input."""

    size: tuple[Side, Side] | None = None
    """Height and width that the model reads; left as they are by default."""

    fit: Fit = "stretch"
    """How an image of another shape comes to that size. ``stretch`` changes its shape;
    ``letterbox`` puts it whole into the middle, ``pad`` to the top left, and the border fills the
    rest; ``crop`` covers the size and cuts the middle out, as torchvision and timm do;
    ``crop-first`` cuts the middle out and then resizes it, as Keras does."""

    ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of ``crop`` and ``crop-first``: the share of the image's shorter side that is left, as timm's
    ``crop_pct``; 224 of 256 pixels are 0.875."""

    border: Literal["zero", "replicate"] | tuple[Level, Level, Level] = "zero"
    """Of ``letterbox`` and ``pad``: black (``zero``), the image's outermost pixels
    (``replicate``), or red, green and blue from 0 to 255."""

    resize: Resize = "bilinear"
    """What the model was trained with. ``bilinear`` and ``bicubic`` are those of tf.image.resize
    and Keras; with ``-antialias`` those of its ``antialias=True`` and of torchvision on tensors;
    with ``-pillow`` those of PIL.Image.resize, so of torchvision, timm and transformers on images;
    ``bicubic-torch`` is that of torch's interpolate without antialiasing, whose bilinear is
    ``bilinear``."""

    color: Literal["rgb", "bgr", "grey"] = "rgb"
    """Channels that the model reads: three (``rgb``, or ``bgr`` in the order of OpenCV and Caffe)
    or one (``grey``)."""

    scale: Annotated[tuple[float, float], AfterValidator(_rising)] = (0.0, 1.0)
    """What the pixel values 0 and 255 become; those between are mapped linearly."""

    mean: Channels | None = None
    """What is taken away from each channel then: one number, or one a channel in the order of
    ``color``."""

    std: Annotated[Channels, AfterValidator(_positive)] | None = None
    """What each channel is divided by last: one number, or one a channel."""

    layout: Literal["nhwc", "nchw"] | None = None
    """Whether channels are the last axis or the one behind the batch; told by the model's shape
    by default."""

    @property
    def channels(self) -> int:
        """How many channels the model reads."""
        return 1 if self.color == "grey" else 3

    @model_validator(mode="after")
    def _one_a_channel(self) -> ImageOptions:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) not in (1, self.channels):
                needed = "one number" if self.channels == 1 else "one number or three"
                raise ValueError(
                    f"{name} has {len(values)} numbers; color {self.color} takes {needed}"
                )
        return self

    def linear(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """By channel, the factor and the offset that make of a pixel value what the model reads."""
        low, high = self.scale
        count = self.channels
        mean, std = (
            tuple(values * count if len(values) == 1 else values)
            for values in (self.mean or (0.0,), self.std or (1.0,))
        )
        factors = tuple((high - low) / 255 / deviation for deviation in std)
        return factors, tuple((low - m) / deviation for m, deviation in zip(mean, std, strict=True))
