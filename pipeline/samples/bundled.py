"""Samples that ship with the package."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pipeline.base.options import StrictOptions
from pipeline.bundled import digits, drawings, photos
from pipeline.engine.step import Files
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import SPLITS
from pipeline.samples.images import decode


class Options(StrictOptions):
    """A data set that ships with the package."""

    shorthand: ClassVar[str | None] = "name"

    name: Literal["digits", "drawings", "photos"]
    """``digits``: 1,797 handwritten digits of 8x8 pixels (CC BY 4.0), 360 of them for the
    test split. ``drawings``: several of these digits on 128x128 pixels, with their boxes, 150 for
    the test split. ``photos``: parts of four photographs (public domain and CC0), ten in each
    split, without labels; a face and a body are in some."""

    def local_paths(self) -> dict[str, Path]:
        """The file or folder that ships with the package."""
        return {"data": photos.FOLDER if self.name == "photos" else digits.FILE}


def items(files: Files, options: Options, needs: Needs) -> Items:
    """The data set, as it is."""
    where = f"samples.bundled: {options.name}"
    return {"digits": _digits, "drawings": _drawings, "photos": _photos}[options.name](where)


def _digits(where: str) -> Items:
    splits = {
        name: [
            partial(Item, image, where, {"label": label})
            for image, label in zip(*digits.digits(name), strict=True)
        ]
        for name in SPLITS
    }
    return Items(splits, digits.TITLE, digits.LICENSE, [str(digit) for digit in range(10)])


def _drawings(where: str) -> Items:
    splits = {
        name: [
            partial(Item, image, where, {"objects": objects})
            for image, objects in drawings.drawings(name)
        ]
        for name in SPLITS
    }
    return Items(splits, drawings.TITLE, digits.LICENSE, [str(digit) for digit in range(10)])


def _photos(where: str) -> Items:
    splits = {
        name: [
            partial(_part, photos.FOLDER / f"{photo}.jpg", box, where)
            for photo, box in photos.parts(name)
        ]
        for name in SPLITS
    }
    return Items(splits, photos.TITLE, photos.LICENSE)


def _part(path: Path, box: tuple[int, int, int, int], where: str) -> Item:
    left, top, right, bottom = box
    return Item(decode(path, where)[top:bottom, left:right], where)


SAMPLES = SamplesKind(name="bundled", options=Options, raw="image", items=items)
