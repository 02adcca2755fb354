"""Samples that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.base.options import Options as Strict
from pipeline.engine.step import Inputs, step
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.contract import SamplesKind
from pipeline.samples.pictures import Pictures, spread
from pipeline.tasks.find import Purpose


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


class ReadOptions(Strict):
    """What the step needs."""

    options: Options
    """Which data set."""

    image: ImageOptions | None = None
    """How its images become the model's input."""

    task: Purpose = Field(default_factory=Purpose)
    """Which truth samples are to have."""


@step(version=2, lane="light", tools=("numpy",))
def read(inputs: Inputs, options: ReadOptions, work: Path) -> None:
    """Write the data set's splits as the model reads them."""
    from pipeline.bundled.digits import LICENSE, TITLE, digits
    from pipeline.samples import folder

    where = f"samples.bundled: {options.options.name}"
    image = folder.needed(options.image, where)
    spec = folder.image_input(Frozen(inputs["frozen"]).signature.inputs, where)
    splits = {}
    for name in folder.SPLITS:
        images, labels = digits(name)
        values = folder.pixels_to_input(images, len(images), image, spec, where)
        splits[name] = folder.Split({spec.name: values}, labels)
    folder.write(work, splits, description=TITLE, license_name=LICENSE, task=options.task)


def pictures(inputs: Inputs, options: Options, most: int) -> Pictures:
    """Digits of the test split, as they are."""
    from pipeline.bundled.digits import digits

    images, labels = digits("test")
    rows = spread(len(labels), most)
    return Pictures(list(images[rows]), labels[rows], [str(digit) for digit in range(10)])


SAMPLES = SamplesKind(
    name="bundled",
    options=Options,
    read=read,
    pictures=pictures,
)
