"""Where an image comes to lie in a model's input, and the way back. The twin is fit.js.

Coordinates are continuous: pixel ``i`` reaches from ``i`` to ``i + 1``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.inputs.image.options import ImageOptions
from pipeline.tensors.arrays import Array, Float64s, np


@dataclass(frozen=True)
class Span:
    """One axis: ``before`` pixels of the image from ``start`` on become ``after``, of which
    ``count`` from ``first`` on stand in the input from ``offset`` on."""

    start: int
    before: int
    after: int
    first: int
    count: int
    offset: int

    @property
    def scale(self) -> float:
        """Pixels of the input for one of the image."""
        return self.after / self.before

    @property
    def pad(self) -> float:
        """Where the image's first edge lies in the input; negative where it is cut off."""
        return self.offset - self.first - self.start * self.scale


def spans(options: ImageOptions, height: int, width: int) -> tuple[Span, Span]:
    """Down and across, for an image of that size.

    ``crop`` has the sizes of torchvision's ``Resize(int(size / ratio))`` and ``CenterCrop(size)``,
    ``crop-first`` those of ``keras.utils.image.smart_resize``, ``letterbox`` those of Ultralytics'
    ``LetterBox``.
    """
    before = (height, width)
    size = options.size or before
    if options.fit in ("letterbox", "pad"):
        both = _fit_whole(before, size, centred=options.fit == "letterbox")
    elif options.fit == "crop":
        both = _fit_covering(before, size, options.ratio)
    elif options.fit == "crop-first":
        both = _cut_to_ratio(before, size, options.ratio)
    else:
        both = [Span(0, n, s, 0, s, 0) for n, s in zip(before, size, strict=True)]
    return both[0], both[1]


Pair = tuple[int, int]


def _fit_whole(before: Pair, size: Pair, *, centred: bool) -> list[Span]:
    ratio = min(s / n for n, s in zip(before, size, strict=True))
    spans_of = []
    for n, s in zip(before, size, strict=True):
        after = min(max(math.floor(n * ratio + 0.5), 1), s)
        spans_of.append(Span(0, n, after, 0, after, (s - after) // 2 if centred else 0))
    return spans_of


def _fit_covering(before: Pair, size: Pair, ratio: float) -> list[Span]:
    scaled = [math.floor(s / ratio) for s in size]
    # The axis that has to grow most, or shrink least, decides.
    most = 0 if scaled[0] * before[1] >= scaled[1] * before[0] else 1
    spans_of = []
    for n, want, s in zip(before, scaled, size, strict=True):
        after = max(math.floor(n * scaled[most] / before[most]), want)
        # Python and NumPy round halves to the even side, and so does torchvision here.
        spans_of.append(Span(0, n, after, round((after - s) / 2), s, 0))
    return spans_of


def _cut_to_ratio(before: Pair, size: Pair, ratio: float) -> list[Span]:
    spans_of = []
    for axis in (0, 1):
        shaped = math.floor(before[1 - axis] * size[axis] / size[1 - axis])
        length = max(math.floor(min(before[axis], shaped) * ratio), 1)
        spans_of.append(Span((before[axis] - length) // 2, length, size[axis], 0, size[axis], 0))
    return spans_of


@dataclass(frozen=True)
class Origin:
    """How an image lies in the input that was made of it."""

    size: tuple[int, int]
    """Height and width of the image, in pixels."""
    scale: tuple[float, float]
    """Pixels of the input for one of the image, down and across."""
    pad: tuple[float, float]
    """Where the image's top and left edge lie in the input; negative where they are cut off."""
    input: tuple[int, int]
    """Height and width of the input, in pixels."""

    def arrays(self) -> dict[str, Array]:
        """As each sample keeps them: ``size`` and ``input`` int64 [2], ``scale`` and ``pad``
        float64 [2]."""
        return {
            "size": np.array(self.size, np.int64),
            "input": np.array(self.input, np.int64),
            "scale": np.array(self.scale, np.float64),
            "pad": np.array(self.pad, np.float64),
        }


def origin_of(options: ImageOptions, height: int, width: int) -> Origin:
    """Of the input that is made of an image of that size."""
    down, across = spans(options, height, width)
    size = options.size or (height, width)
    return Origin((height, width), (down.scale, across.scale), (down.pad, across.pad), size)


def to_image(points: Any, scale: Any, pad: Any, turn: Any = None) -> Float64s:
    """Points of an input in pixels of the image that it was made of.

    Args:
        points: [..., 2] as x, y, in pixels of the input.
        scale: an origin's, down and across.
        pad: an origin's, top and left.
        turn: of the origin of a region that is turned: x, y and radians, clockwise as seen.

    Returns:
        float64 [..., 2], which may lie outside of the image.
    """
    pixels: Float64s = (np.asarray(points, np.float64) - np.asarray(pad)[::-1]) / np.asarray(scale)[
        ::-1
    ]
    return pixels if turn is None else _turned(pixels, *np.asarray(turn).tolist())


def share_to_image(points: Any, origin: Mapping[str, Array]) -> Float64s:
    """The same of shares of the input, [..., 2], by what a sample keeps of its origin."""
    places = np.asarray(points, np.float64) * origin["input"][::-1]
    return to_image(places, origin["scale"], origin["pad"], origin.get("turn"))


def _turned(points: Float64s, x: float, y: float, angle: float) -> Float64s:
    across, down = np.moveaxis(points - [x, y], -1, 0)
    cos, sin = math.cos(angle), math.sin(angle)
    return np.stack([x + across * cos - down * sin, y + across * sin + down * cos], axis=-1)
