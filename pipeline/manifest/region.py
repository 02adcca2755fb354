"""Where in a picture a model looks, and the whole model that finds it."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from pipeline.manifest.kinds import Count, Positive, Says, Some, closed

Pair = Annotated[list[Count], Says({"minItems": 2, "maxItems": 2})]


@closed()
class Around(TypedDict):
    """The square that is looked at, by the box and the points of an answer."""

    circle: Pair | None
    """Numbers of the point in its middle, and of one that it reaches to; null: around the box, or
    all points."""
    right: Pair | None
    """Numbers of two points: it is turned so that the second lies to the right of the first."""
    up: Pair | None
    """The same, with the second above the first."""
    scale: Positive
    """How many times as long its side is as the box' longer one."""
    shift: Annotated[list[float], Says({"minItems": 2, "maxItems": 2})]
    """How far it is moved to the right and down, as it lies: as shares of the box' sides."""


class Regions(TypedDict):
    """Where the model looks."""

    found: Around
    """Around what the detector finds."""
    followed: Around
    """Around what the model itself told of the frame before, in a video."""
    max: Some
    """The most things in a picture."""
