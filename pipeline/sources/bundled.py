"""Pulls a model that ships with this package: no network, no download."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field, field_validator

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.options import StrictOptions, check_name
from pipeline.engine.step import step
from pipeline.sources.contract import Source
from pipeline.sources.keras_file import write_source

_FOLDER: Final = Path(__file__).parents[1] / "bundled"


def names() -> list[str]:
    """The models that ship: each an .h5 file beside a .json of facts."""
    return sorted(path.stem for path in _FOLDER.glob("*.h5"))


class Options(StrictOptions):
    """A model that ships with this package."""

    shorthand: ClassVar[str | None] = "name"

    name: str = Field(json_schema_extra={"enum": [*names()]})
    """Which one, such as mobilenet_digits."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return check_name(name, names())

    def local_paths(self) -> dict[str, Path]:
        """The model, and the facts about it: licence, accuracy, how it was trained."""
        return {"model": _FOLDER / f"{self.name}.h5", "facts": _FOLDER / f"{self.name}.json"}


@step(version=1)
def pull(model: Path, facts: Path, options: Options, work: Path) -> None:
    """Write the source folder, with its facts beside the model."""
    write_source(model, work)
    shutil.copyfile(facts, SourceFolder(work).facts_file)


SOURCE = Source(
    name="bundled",
    options=Options,
    pull=pull,
)
