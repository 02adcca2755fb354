"""Where a model is to look, by what another one found, or by what it found itself.

As MediaPipe makes regions of detections and of landmarks (``alignment_points_to_rects``,
``detections_to_rects`` and ``rect_transformation_calculator.cc``). The twin is ``client/chain.js``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.base.options import StrictOptions
from pipeline.inputs.image.region import Region

#: Of a point among an answer's keypoints, and the auxiliary ones behind those.
Index = Annotated[int, Field(ge=0)]
Pair = tuple[Index, Index]

#: Regions that share more are of one thing (``association_norm_rect``'s similarity).
SAME = 0.5


class Around(StrictOptions):
    """The square that is looked at, by the box and the points of an answer."""

    circle: Pair | None = None
    """Numbers of the point in its middle, and of one that it reaches to. Without it the square is
    around the box, or, of what has none, around all points."""
    right: Pair | None = None
    """Numbers of two points: the square is turned so that the second lies to the right of the
    first."""
    up: Pair | None = None
    """The same, with the second above the first."""
    scale: Annotated[float, Field(gt=0, le=10)] = 1.0
    """How many times as long its side is as the box' longer one."""
    shift: tuple[float, float] = (0.0, 0.0)
    """How far it is moved to the right and down, as it lies: as shares of the box' sides."""

    @model_validator(mode="after")
    def _is_turned_once(self) -> Around:
        if self.right and self.up:
            raise ValueError("say right or up, not both")
        return self

    def angle(self, points: Sequence[Mapping[str, float]]) -> float:
        """How far the square is turned, clockwise as seen, in radians from -π to π."""
        pair = self.right or self.up
        if pair is None:
            return 0.0
        start, end = (points[number] for number in pair)
        towards = math.atan2(end["y"] - start["y"], end["x"] - start["x"])
        angle = towards + (0.0 if self.right else math.pi / 2)
        return angle - 2 * math.pi if angle > math.pi else angle


def region_of(answer: Mapping[str, Any], how: Around) -> Region:
    """Where to look for what an answer is of, in pixels of the image.

    Args:
        answer: with a ``box``, ``keypoints`` or both, as tasks give it.
        how: with numbers of points that it has.

    Returns:
        a square; of no size where the answer has no extent.
    """
    keypoints = answer.get("keypoints") or []
    points = [*keypoints, *(answer.get("auxiliary") or [])]
    if how.circle:
        middle, edge = (points[number] for number in how.circle)
        side = 2 * math.hypot(edge["x"] - middle["x"], edge["y"] - middle["y"])
        x, y, width, height = middle["x"], middle["y"], side, side
    else:
        box = answer.get("box") or _box_around(keypoints)
        width, height = box["width"], box["height"]
        x, y = box["x"] + width / 2, box["y"] + height / 2
    angle = how.angle(points)
    right, down = how.shift[0] * width, how.shift[1] * height
    x += right * math.cos(angle) - down * math.sin(angle)
    y += right * math.sin(angle) + down * math.cos(angle)
    side = max(width, height) * how.scale
    return Region(x, y, side, side, angle)


def _box_around(points: Sequence[Mapping[str, float]]) -> dict[str, float]:
    xs, ys = ([point[axis] for point in points] for axis in "xy")
    left, top = min(xs), min(ys)
    return {"x": left, "y": top, "width": max(xs) - left, "height": max(ys) - top}


def choose_regions(known: Sequence[Region], found: Iterable[Region], most: int) -> list[Region]:
    """Those that are known, then those of ``found`` that are of other things; ``most`` of them."""
    regions = [region for region in known if region.width > 0]
    for region in found:
        if region.width > 0 and all(_shared(region, other) <= SAME for other in regions):
            regions.append(region)
    return regions[:most]


def _shared(a: Region, b: Region) -> float:
    """Intersection over union of two squares as if they were upright."""
    reach = (a.width + b.width) / 2
    across, down = (min(reach - abs(apart), a.width, b.width) for apart in (a.x - b.x, a.y - b.y))
    both = max(across, 0.0) * max(down, 0.0)
    return both / (a.width**2 + b.width**2 - both)
