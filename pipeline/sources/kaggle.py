"""A model of Kaggle, where those of TensorFlow Hub are."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import step
from pipeline.graphs import kinds
from pipeline.graphs.kinds import Graph
from pipeline.sources.contract import Source
from pipeline.sources.downloaded import DownloadOptions, write_downloaded
from pipeline.sources.hub import Hub

HUB = Hub(
    "https://www.kaggle.com",
    "KAGGLE_API_ENDPOINT",
    "KAGGLE_API_TOKEN",
    "get the archive some other way and name what is in it under a source of its kind",
)


class Options(DownloadOptions):
    """A model of Kaggle, by its handle."""

    shorthand: ClassVar[str | None] = "handle"

    handle: str = Field(
        pattern=r"^\w[\w-]*/\w[\w-]*/(?i:tfjs|tflite|tensorflow2|keras|onnx)/\w[\w.-]*/[0-9]+$"
    )
    """OWNER/MODEL/FRAMEWORK/VARIATION/VERSION, as the model's page shows it, such as
    google/movenet/tfJs/singlepose-lightning/4."""


def remote_files(options: Options) -> dict[str, RemoteFile]:
    """The archive that Kaggle makes of a model's files."""
    path = f"api/v1/models/{options.handle}/download"
    return {"file": HUB.remote_file(path, options.max_bytes)}


@step(version=1)
def pull(file: Path, options: Options, work: Path) -> None:
    """Make a source folder of what the archive holds."""
    write_downloaded(file, options, work, f"source.kaggle: {options.handle}")
    SourceFolder(work).tell({"name": options.handle})


def gives(options: Options) -> tuple[Graph, ...]:
    """By the framework that its handle names."""
    return kinds.named(f".{options.handle.split('/')[2]}")


SOURCE = Source(name="kaggle", options=Options, pull=pull, remote_files=remote_files, gives=gives)
