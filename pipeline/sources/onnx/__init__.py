"""An ONNX model, its weights in it or in files beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import Files, step
from pipeline.graphs import kinds
from pipeline.sources.contract import LoadedModel, OwnModel, Source
from pipeline.sources.onnx import dtypes, files

#: A free dimension's size.
Dimension = Annotated[int, Field(ge=1)]


class Options(StrictOptions):
    """An ONNX model, of PyTorch or of anything else; opsets 7 to 23."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The .onnx file; files of weights that it names lie beside it."""
    dimensions: dict[str, Dimension | None] = Field(default={})
    """Sizes of its free dimensions by their names, as in ``{sequence: 128}``; null, as for all that
    are not named, leaves one free."""

    def local_paths(self) -> dict[str, Path]:
        """The files of weights too: what they hold is part of the model."""
        beside = files.list_beside(self.path)
        return super().local_paths() | {f"weights {i}": path for i, path in enumerate(beside)}

    def key(self) -> dict[str, Any]:
        """All that is not in files."""
        return {"dimensions": dict(self.dimensions)}


@step(version=1, tools=("onnx",))
def pull(path: Path, beside: Files, options: Options, work: Path) -> None:
    """Check the files and make them a source folder."""
    files.copy(path, work)
    SourceFolder(work).describe("onnx", dimensions=dict(options.dimensions))


def write_source(path: Path, work: Path) -> None:
    """Write the source folder of a file that may be unsafe; all its free dimensions stay free.

    Raises:
        SourceError: it is none, its weights are not whole, or lie elsewhere.
    """
    files.copy(path, work)
    SourceFolder(work).describe("onnx", dimensions={})


def narrow(options: Options) -> tuple[str, ...]:
    """The dtypes of fewer bits than float32 that weights have."""
    return dtypes.list_narrow(options.path)


def lacks(options: Options, cut: Collection[str]) -> PipelineError | None:
    """What of the model is not converted to TensorFlow."""
    from pipeline.sources.onnx.lacking import find_lacking

    return find_lacking(options.path, cut)


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``pull`` wrote, and onnxruntime beside it, which makes the golden."""
    from pipeline.sources.onnx.model import OnnxModel

    model = OnnxModel(folder / files.MODEL, details["dimensions"])
    # What is behind a cut need not be convertible.
    wanted = (details.get("cut") or {}).get("outputs")
    names = list(wanted.values() if isinstance(wanted, dict) else wanted or ())
    return model.until(names) if names else model.whole()


def own(folder: Path, details: Mapping[str, Any]) -> OwnModel:
    """The model that ``pull`` wrote, as it came, with onnxruntime."""
    from pipeline.sources.onnx.own import own_model

    return own_model(folder / files.MODEL, details)


SOURCE = Source(
    name="onnx",
    options=Options,
    pull=pull,
    gives=lambda options: kinds.ONNX,
    lacks=lacks,
    narrow=narrow,
    recognizes=files.is_model,
    write=write_source,
    load=load,
    own=own,
)
