"""Pulls a model from an http(s) address: an archive, or a Keras file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import step
from pipeline.sources.contract import Source
from pipeline.sources.downloaded import DownloadOptions, write_downloaded


class Options(DownloadOptions):
    """A model file or archive at an http(s) address, with its sha256."""

    shorthand: ClassVar[str | None] = None

    url: str
    """The http(s) address of a .keras or .h5 file, or of a .zip or .tar of a SavedModel or of a
    TF.js model, as Kaggle gives them."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The file's digest, 64 lower-case hex digits: what ``sha256sum`` prints."""

    @field_validator("url")
    @classmethod
    def _downloadable(cls, url: str) -> str:
        if not is_web_address(url):
            raise ValueError(
                "this is no http or https address; for a local file use keras_file or saved_model"
            )
        return url

    def key(self) -> dict[str, Any]:
        """All options; the address without what may be secret in it, since it is published."""
        return super().key() | {"url": hide_secrets(self.url)}


def remote_files(options: Options) -> dict[str, RemoteFile]:
    """The one file."""
    how = "get the file some other way and name it under source.keras_file or source.saved_model"
    file = RemoteFile(
        options.url, options.sha256, options.max_bytes, how, "source.url.sha256 in the config"
    )
    return {"file": file}


@step(version=1)
def pull(file: Path, options: Options, work: Path) -> None:
    """Make a source folder of what the file holds, told by its content and not by its name."""
    write_downloaded(file, options, work, hide_secrets(options.url))


SOURCE = Source(
    name="url",
    options=Options,
    pull=pull,
    remote_files=remote_files,
)
