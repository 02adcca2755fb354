"""Pulls a model from an http(s) address: an archive, or a Keras file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

import pipeline.base.options
from pipeline.base.errors import SourceError
from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.remote_file import RemoteFile
from pipeline.download.unpack import is_archive, unpack
from pipeline.engine.step import step
from pipeline.sources import saved_model
from pipeline.sources.content import list_models, named, recognize, write_any
from pipeline.sources.contract import Source

_MAX_FILES: Final = 10_000


class Options(pipeline.base.options.Options):
    """A model file or archive at an http(s) address, with its sha256."""

    shorthand: ClassVar[str | None] = None

    url: str
    """The http(s) address of a .keras or .h5 file, or of a .zip or .tar of a SavedModel or of a
    TF.js model, as Kaggle gives them."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The file's digest, 64 lower-case hex digits: what ``sha256sum`` prints."""
    max_bytes: int = Field(2 * 2**30, ge=1)
    """Bytes at most, both as downloaded and as unpacked."""
    signature: str = "serving_default"
    """Which signature of a SavedModel to convert."""
    tags: tuple[str, ...] = ("serve",)
    """Which graph of a SavedModel to load, by its tags."""

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
    where = hide_secrets(options.url)
    if recognize(file):
        write_any(file, work)
    elif is_archive(file):
        unpacked = work / "unpacked"
        unpack(file, unpacked, max_bytes=options.max_bytes, max_files=_MAX_FILES)
        _pull_unpacked(unpacked, options, work, where)
        shutil.rmtree(unpacked, ignore_errors=True)
    else:
        raise _nothing(f"it begins with {_beginning(file)!r}", where)


def _pull_unpacked(unpacked: Path, options: Options, work: Path, where: str) -> None:
    saved, files = sorted(unpacked.rglob("saved_model.pb")), list_models(unpacked)
    if len(saved) == 1:
        saved_model.write_source(
            saved[0].parent, work, signature=options.signature, tags=list(options.tags)
        )
    elif not saved and len(files) == 1:
        write_any(files[0], work)
    else:
        several = saved or files or [path for path in sorted(unpacked.rglob("*")) if path.is_file()]
        raise _nothing(f"the archive holds {named(several, unpacked)}", where)


def _beginning(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(24).decode("latin-1")


def _nothing(content: str, where: str) -> SourceError:
    return SourceError(
        f"this is not one model: {content}",
        where=where,
        todo="give the address of one .keras or .h5 file, or of a .zip or .tar of one "
        "SavedModel, or of one model.json with its weights",
    )


SOURCE = Source(
    name="url",
    options=Options,
    pull=pull,
    remote_files=remote_files,
)
