"""Pulls a model from an http(s) address: a file with those that it reads, or an archive."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, field_validator

from pipeline.base.errors import SourceError
from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.remote_file import RemoteFile
from pipeline.engine.step import Files, step
from pipeline.graphs import kinds
from pipeline.sources import pytorch
from pipeline.sources.contract import Source
from pipeline.sources.downloaded import (
    DownloadOptions,
    RelativeFile,
    write_downloaded,
    write_files,
)
from pipeline.sources.tfjs.files import is_model

#: What is downloaded is called so, whatever its address is; no file beside it can be.
_MAIN = ".model"


class Options(DownloadOptions):
    """A model file or archive at an http(s) address."""

    shorthand: ClassVar[str | None] = "url"

    url: str
    """The http(s) address of a .keras, .h5, .onnx or .tflite file, of a model.json of TF.js,
    or of a .zip or .tar of one of them or of a SavedModel."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """The file's digest, 64 lower-case hex digits: what ``sha256sum`` prints. Without it the digest
    of the first download is kept in the config's .lock."""
    beside: tuple[RelativeFile, ...] = ()
    """Files that the model's reads, from its own folder: of a TF.js model those of its weights,
    such as group1-shard1of1.bin. Their digests are kept in the config's .lock."""

    @field_validator("url")
    @classmethod
    def _downloadable(cls, url: str) -> str:
        if not is_web_address(url):
            raise ValueError(
                "this is no http or https address; for a local file use keras_file or saved_model"
            )
        name = PurePosixPath(urlsplit(url).path).name
        if pytorch.is_pytorch(name):
            raise ValueError(pytorch.refuse(name))
        return url

    @field_validator("beside")
    @classmethod
    def _apart(cls, beside: tuple[str, ...]) -> tuple[str, ...]:
        if "file" in beside:  # as the step calls the model's own
            raise ValueError("a file called file cannot be fetched beside a model; rename it")
        return beside

    def key(self) -> dict[str, Any]:
        """All options; the address without what may be secret in it, since it is published."""
        return super().key() | {"url": hide_secrets(self.url)}


def remote_files(options: Options) -> dict[str, RemoteFile]:
    """The model's file or archive, and the files that it reads."""
    how = "get the file some other way and name it under a source of its kind"
    written, most = "source.url.sha256 in the config", options.max_bytes
    file = RemoteFile(options.url, options.sha256, most, how, written)
    return {"file": file} | {
        name: RemoteFile(_beside(options.url, name), None, most, how) for name in options.beside
    }


def _beside(url: str, name: str) -> str:
    """The address of another file in an address' folder; what is asked of the host stays."""
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{folder}/{quote(name)}"))


@step(version=1)
def pull(file: Path, beside: Files, options: Options, work: Path) -> None:
    """Make a source folder of what the file holds, told by its content and not by its name."""
    where = hide_secrets(options.url)
    if not beside and not is_model(file):
        write_downloaded(file, options, work, where)
    elif not write_files({_MAIN: file, **beside}, _MAIN, work, where):
        raise SourceError(
            "this is no model that reads other files",
            where=where,
            todo="leave out beside, or give the address of the model.json or .onnx file that does",
        )


SOURCE = Source(
    name="url",
    options=Options,
    pull=pull,
    remote_files=remote_files,
    gives=lambda options: kinds.named(urlsplit(options.url).path),
)
