"""The bundled photographs (LICENSE-PHOTOS.md): parts of four, in some a face or a body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("pictures")
TITLE = "parts of four photographs"
LICENSE = "CC0-1.0 AND CC-PDM-1.0"

#: By split and photograph: left, top, right and bottom of each part, in pixels.
PARTS = {
    "calibration": {
        "astronaut": [(0, 0, 512, 512), (140, 10, 310, 210), (60, 0, 380, 320), (270, 0, 510, 280)],
        "chelsea": [(0, 0, 451, 300), (90, 0, 390, 300)],
        "coffee": [(0, 0, 600, 400), (150, 0, 450, 300)],
        "rocket": [(0, 0, 640, 427), (210, 100, 430, 427)],
    },
    "test": {
        "astronaut": [(9, 0, 490, 481), (155, 25, 300, 195), (90, 0, 350, 260), (0, 90, 400, 490)],
        "chelsea": [(60, 0, 360, 300), (120, 60, 360, 300)],
        "coffee": [(70, 10, 480, 400), (250, 0, 600, 350)],
        "rocket": [(100, 0, 527, 427), (0, 200, 640, 427)],
    },
}  # fmt: skip


def parts(split: str) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """The parts of a split: the photograph's name, and the box in it."""
    for name, boxes in PARTS[split].items():
        yield from ((name, box) for box in boxes)
