"""A TF.js model, a graph or of layers: ``model.json`` with its weight files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import Files, step
from pipeline.sources.contract import LoadedModel, Source
from pipeline.sources.tfjs import files


class Options(StrictOptions):
    """A TF.js model, which need not have been made by this pipeline."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The model.json; the weight files that it names lie beside it."""

    def local_paths(self) -> dict[str, Path]:
        """The weight files too: what they hold is part of the model."""
        found = super().local_paths()
        try:
            model = files.read_model(self.path)
            groups = files.groups_of(model, str(self.path))
        except SourceError:  # for ``pull`` to say
            return found
        paths = [path for group in groups for path in group.paths if files.is_inside(path)]
        there = [self.path.parent / path for path in paths if (self.path.parent / path).is_file()]
        return found | {f"weights {number}": path for number, path in enumerate(there)}

    def key(self) -> dict[str, Any]:
        """Nothing: all of it is in files."""
        return {}


@step(version=1)
def pull(path: Path, beside: Files, options: Options, work: Path) -> None:
    """Check the files and make them a source folder."""
    write_source(path, work)


def write_source(path: Path, work: Path) -> None:
    """Write the source folder of a ``model.json`` that may be unsafe.

    Raises:
        SourceError: it is none, its weight files are not whole, or lie elsewhere.
    """
    model = files.read_model(path)
    files.copy(model, path.parent, work, str(path))
    SourceFolder(work).describe("tfjs", kind=files.kind_of(model))


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``pull`` wrote, and TF.js beside it, which makes the golden."""
    from pipeline.sources.tfjs import graph, layers

    return graph.load(folder) if details["kind"] == "graph" else layers.load(folder)


SOURCE = Source(
    name="tfjs",
    options=Options,
    pull=pull,
    recognizes=files.is_model,
    write=write_source,
    load=load,
)
