"""A model of Kaggle, where those of TensorFlow Hub are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import step
from pipeline.sources.contract import Source
from pipeline.sources.downloaded import DownloadOptions, write_downloaded

#: Variables that Kaggle's own programs read: where it is, and who asks.
ENDPOINT, TOKEN = "KAGGLE_API_ENDPOINT", "KAGGLE_API_TOKEN"
_KAGGLE = "https://www.kaggle.com"


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
    root = os.environ.get(ENDPOINT, _KAGGLE).rstrip("/")
    how = (
        f"if its owner asks for consent, give it on the model's page and set {TOKEN} to a token of "
        f"yours; {ENDPOINT} names a mirror; or get the archive some other way and name what is in "
        "it under a source of its kind"
    )
    url = f"{root}/api/v1/models/{options.handle}/download"
    return {"file": RemoteFile(url, None, options.max_bytes, how, token_variable=TOKEN)}


@step(version=1)
def pull(file: Path, options: Options, work: Path) -> None:
    """Make a source folder of what the archive holds."""
    write_downloaded(file, options, work, f"source.kaggle: {options.handle}")
    SourceFolder(work).tell({"name": options.handle})


SOURCE = Source(name="kaggle", options=Options, pull=pull, remote_files=remote_files)
