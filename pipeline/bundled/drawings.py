"""Drawings of several of the bundled digits, with what is in them: what a detector finds.

They are made anew each time, of the digits of a split alone: who reads of one never sees those of
the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.bundled.digits import digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TITLE = "drawings of several handwritten digits"

#: Pixels of a drawing's sides.
SIZE = 128

#: Drawings of each split, and where their chance begins.
COUNTS = {"calibration": (240, 1), "test": (150, 2)}

#: Pixels of the sides of the square that a digit is drawn in.
SIDES = (24, 64)

#: Free pixels between two digits.
GAP = 2

Drawing = tuple["NDArray[np.uint8]", list[dict[str, Any]]]


def drawings(split: str) -> Iterator[Drawing]:
    """The drawings of a split: 240 of ``calibration``, 150 of ``test``.

    Yields:
        An image, uint8 [128, 128], and its digits as ``{"label": "7", "box": [x, y, width,
        height]}`` in pixels.
    """
    import numpy as np

    count, seed = COUNTS[split]
    images, labels = digits(split)
    for number in range(count):
        yield draw(images, labels, np.random.default_rng((seed, number)))


def draw(
    images: NDArray[np.uint8], labels: NDArray[np.int64], chance: np.random.Generator
) -> Drawing:
    """One drawing: up to eight digits, apart from each other, dark on light or light on dark.

    One in six is a scribble, a digit whose pixels are shuffled: nothing is to be found there.

    Args:
        images, labels: the digits to draw of, as ``digits`` gives them.
    """
    import numpy as np

    ink, taken = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE), bool)
    objects = []
    for _ in range(int(chance.integers(1, 9))):
        row = int(chance.integers(len(images)))
        is_scribble = bool(chance.random() < 1 / 6)
        digit = images[row] / 255
        if is_scribble:
            digit = chance.permutation(digit.ravel()).reshape(digit.shape)
        stroke = _write(digit, chance)
        place = _free_place(taken, stroke.shape, chance)
        if place is None:
            continue
        (top, left), (tall, wide) = place, stroke.shape
        ink[top : top + tall, left : left + wide] = stroke
        taken[top : top + tall, left : left + wide] = True
        if not is_scribble:
            objects.append({"label": str(labels[row]), "box": [left, top, wide, tall]})
    return _on_paper(ink, chance), objects


def _write(digit: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """A digit larger, turned and stretched a little, as sharp as a pen draws it; 0 to 1.

    No row or column at its edges is empty.
    """
    import numpy as np

    side = int(chance.integers(*SIDES, endpoint=True))
    angle, stretch = np.radians(chance.uniform(-12, 12)), chance.uniform(0.85, 1.15)
    across = (np.arange(side) + 0.5) * 8 / side - 4
    y, x = across[:, None], across[None] * stretch
    turned = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
    soft = _read_between(digit, *turned)
    sharp = np.clip((soft - 0.5) * chance.uniform(1, 4) + 0.5, 0, 1)
    rows, columns = (np.flatnonzero(sharp.max(axis=axis) >= 0.5) for axis in (1, 0))
    if not len(rows):
        # A faint scribble becomes a dot.
        return np.ones((1, 1))
    return sharp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _read_between(
    image: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of an image of 8x8 at places that are counted from its middle; 0 beyond its edges."""
    import numpy as np

    padded = np.pad(image, 1)
    y, x = (np.clip(place + 4.5, 0, 8.999) for place in (y, x))
    row, column = y.astype(np.int64), x.astype(np.int64)
    down, right = y - row, x - column
    above = padded[row, column] * (1 - right) + padded[row, column + 1] * right
    below = padded[row + 1, column] * (1 - right) + padded[row + 1, column + 1] * right
    between: NDArray[np.float64] = above * (1 - down) + below * down
    return between


def _free_place(
    taken: NDArray[np.bool_], size: tuple[int, ...], chance: np.random.Generator
) -> tuple[int, int] | None:
    """Top and left of a free place; ``None`` where a few tries find none."""
    tall, wide = size
    for _ in range(20):
        top, left = (int(chance.integers(0, SIZE - side + 1)) for side in (tall, wide))
        around = taken[max(top - GAP, 0) : top + tall + GAP, max(left - GAP, 0) : left + wide + GAP]
        if not around.any():
            return top, left
    return None


def _on_paper(ink: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Ink of some tone on paper of another, with the noise of a camera; uint8."""
    import numpy as np

    paper, pen = chance.uniform(0, 80), chance.uniform(150, 255)
    tones = paper + (pen - paper) * ink + chance.normal(0, chance.uniform(0, 8), ink.shape)
    if chance.random() < 0.5:
        tones = 255 - tones
    return np.clip(np.rint(tones), 0, 255).astype(np.uint8)
