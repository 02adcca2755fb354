"""Samples that ship with the package."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pipeline.base.options import Options as Strict
from pipeline.engine.step import Inputs
from pipeline.samples.contract import Item, Items, SamplesKind, Wanted
from pipeline.samples.folder import SPLITS


class Options(Strict):
    """A data set that ships with the package."""

    shorthand: ClassVar[str | None] = "name"

    name: Literal["digits"]
    """``digits``: 1,797 handwritten digits of 8x8 pixels (CC BY 4.0), 360 of them for the
    test split."""

    def local_paths(self) -> dict[str, Path]:
        """The file that ships with the package."""
        from pipeline.bundled.digits import FILE

        return {"data": FILE}


def items(files: Inputs, options: Options, wanted: Wanted) -> Items:
    """The data set, as it is."""
    from pipeline.bundled.digits import LICENSE, TITLE, digits

    where = f"samples.bundled: {options.name}"
    splits = {
        name: [
            partial(Item, image, where, {"label": label})
            for image, label in zip(*digits(name), strict=True)
        ]
        for name in SPLITS
    }
    return Items(splits, TITLE, LICENSE, [str(digit) for digit in range(10)])


SAMPLES = SamplesKind(name="bundled", options=Options, raw="image", items=items)
