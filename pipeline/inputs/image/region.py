"""A crop by a rotated rectangle, as MediaPipe cuts regions of interest. The twin is region.js.

A detector says where something is and how it is turned; what reads it is given just that, upright
(mediapipe/calculators/tensor/image_to_tensor_calculator.cc).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import Image, border_colour, normalize, set_colour
from pipeline.tensors.arrays import Array, Float64s, NDArray, np


@dataclass(frozen=True)
class Region:
    """A rectangle in an image, in pixels of it: pixel ``i`` reaches from ``i`` to ``i + 1``."""

    x: float
    """Of its centre."""
    y: float
    width: float
    height: float
    angle: float = 0.0
    """How far it is turned, clockwise as seen, in radians."""

    def to_image(self, points: Any) -> Float64s:
        """Points of the crop in pixels of the image.

        Args:
            points: [..., 2] as x, y, each from 0 to 1 over the crop.

        Returns:
            float64 [..., 2], which may lie outside of the image.
        """
        across, down = np.moveaxis(np.asarray(points, np.float64) - 0.5, -1, 0)
        right, below = across * self.width, down * self.height
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        x = self.x + right * cos - below * sin
        y = self.y + right * sin + below * cos
        return np.stack([x, y], axis=-1)

    def origin(self, size: tuple[int, int], image: tuple[int, int]) -> dict[str, Array]:
        """How an image of that height and width lies in the crop, brought to a size: as
        ``Origin.arrays``, with ``turn``, float64 [3], around which and how far it is turned back.
        """
        scale = np.array(size) / [self.height, self.width]
        return {
            "size": np.array(image, np.int64),
            "input": np.array(size, np.int64),
            "scale": scale,
            "pad": ([self.height / 2, self.width / 2] - np.array([self.y, self.x])) * scale,
            "turn": np.array([self.x, self.y, self.angle]),
        }

    def from_image(self, points: Any) -> Float64s:
        """The way back: pixels of the image as shares of the crop."""
        x, y = np.moveaxis(np.asarray(points, np.float64) - [self.x, self.y], -1, 0)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        across, down = x * cos + y * sin, y * cos - x * sin
        return np.stack([across / self.width + 0.5, down / self.height + 0.5], axis=-1)


def fit_region(region: Region, options: ImageOptions) -> Region:
    """The region that becomes a model's input, which has another shape: as ``fit`` has it for a
    whole image. What a border would fill is read from the image around, as MediaPipe does
    (``PadRoi`` of mediapipe/calculators/tensor/image_to_tensor_utils.cc).
    """
    if options.size is None or options.fit == "stretch":
        return region
    scales = [options.size[1] / region.width, options.size[0] / region.height]
    cuts = options.fit in ("crop", "crop-first")
    scale = max(scales) / options.ratio if cuts else min(scales)
    fitted = replace(region, width=options.size[1] / scale, height=options.size[0] / scale)
    if options.fit != "pad":
        return fitted
    # The region stays in the left upper corner.
    shares = (region.width / fitted.width, region.height / fitted.height)
    x, y = fitted.to_image([1 - share / 2 for share in shares])
    return replace(fitted, x=float(x), y=float(y))


def apply_region(image: NDArray[np.uint8], region: Region, options: ImageOptions) -> Image:
    """What is in a region, as the model reads it.

    Each pixel of the result lies between four of the image, without antialiasing. ``border`` says
    what lies beyond the image, ``fit_region`` what ``fit`` does; ``resize`` says nothing here.

    Args:
        image: uint8, [height, width] or [height, width, 1, 3 or 4].
        options: with a ``size``.

    Returns:
        float32 [height, width, 3 or 1].
    """
    if options.size is None:
        raise ValueError("a region is brought to a size")
    height, width = options.size
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    places = region.to_image(np.stack([columns / width, rows / height], axis=-1)) - 0.5
    pixels = set_colour(image, options)
    total = np.zeros((height, width, options.channels))
    for values, weight in _corners(pixels, places, options):
        total += values * weight[..., None]
    return normalize(total.astype(np.float32), options)


def _corners(
    pixels: Image, places: Float64s, options: ImageOptions
) -> Iterator[tuple[Image, Float64s]]:
    """The four pixels around each place, and how much each of them counts."""
    height, width = pixels.shape[:2]
    floor = np.floor(places)
    part = places - floor
    beyond = border_colour(options)
    left, top = np.moveaxis(floor, -1, 0).astype(np.int64)
    for right in (0, 1):
        for below in (0, 1):
            x, y = left + right, top + below
            weight = np.abs(1 - right - part[..., 0]) * np.abs(1 - below - part[..., 1])
            values = pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
            if options.border != "replicate":
                inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
                values = np.where(inside[..., None], values, beyond)
            yield values, weight
