"""Puts names beside the points of a chart, so that none covers a point or another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Pixels between a point's centre and its name.
GAP = 9.0

#: Half of a point, in pixels.
RADIUS = 6.0


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, the origin at the top left."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area that two boxes share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    area: Box,
    taken: Sequence[Box] = (),
) -> list[Box]:
    """Where each name goes: near its point, and off other points and names.

    Args:
        points: x and y, in pixels.
        sizes: width and height of each name.
        area: what names may not leave.
        taken: what they may cross if need be, such as thin lines.
    """
    dots = [Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in points]
    placed: list[Box] = []
    for point, size in zip(points, sizes, strict=True):
        covered = [*dots, *placed]

        def cost(box: Box, y: float = point[1], covered: Sequence[Box] = covered) -> float:
            outside = box.area - box.overlap(area)
            hidden = sum(box.overlap(other) for other in covered)
            crossed = sum(box.overlap(other) for other in taken)
            return 10 * outside + 5 * hidden + crossed + abs((box.top + box.bottom) / 2 - y)

        # `min` keeps the first of equals: candidates come nearest first.
        placed.append(min(_around(point, size), key=cost))
    return placed


def _around(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    (x, y), (width, height) = point, size
    for step in range(9):
        away = step * height
        for top in (y - height / 2 - away, y - height / 2 + away):
            yield _box(x + GAP, top, width, height)
            yield _box(x - GAP - width, top, width, height)
        yield _box(x - width / 2, y - GAP - height - away, width, height)
        yield _box(x - width / 2, y + GAP + away, width, height)


def _box(left: float, top: float, width: float, height: float) -> Box:
    return Box(left, top, left + width, top + height)
