"""Pulls a model from an http(s) address: an archive, or a Keras file."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

import pipeline.base.options
from pipeline.base.errors import SourceError
from pipeline.download.address import hide_secrets, is_web_address
from pipeline.download.remote_file import RemoteFile
from pipeline.download.unpack import is_archive, unpack
from pipeline.engine.step import step
from pipeline.sources import keras_file, saved_model, tfjs
from pipeline.sources.contract import Source
from pipeline.sources.keras.h5_safety import SIGNATURE

_MAX_FILES: Final = 10_000

#: What an archive may hold once, beside a SavedModel.
_KERAS_SUFFIXES: Final = frozenset({".keras", ".h5", ".hdf5"})


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
    if _is_keras(file):
        keras_file.write_source(file, work)
    elif is_archive(file):
        unpacked = work / "unpacked"
        unpack(file, unpacked, max_bytes=options.max_bytes, max_files=_MAX_FILES)
        _pull_unpacked(unpacked, options, work, where)
        shutil.rmtree(unpacked, ignore_errors=True)
    else:
        raise _nothing(f"it begins with {_beginning(file)!r}", where)


def _pull_unpacked(unpacked: Path, options: Options, work: Path, where: str) -> None:
    models = sorted(unpacked.rglob("saved_model.pb"))
    visible = [p for p in sorted(unpacked.rglob("*")) if p.is_file() and p.name[:1] != "."]
    keras = [path for path in visible if path.suffix.lower() in _KERAS_SUFFIXES]
    tfjs_models = [path for path in visible if path.name == tfjs.files.MODEL]
    if len(models) == 1:
        saved_model.write_source(
            models[0].parent, work, signature=options.signature, tags=list(options.tags)
        )
    elif not models and len(keras) == 1:
        keras_file.write_source(keras[0], work)
    elif not models and not keras and len(tfjs_models) == 1:
        tfjs.write_source(tfjs_models[0], work)
    else:
        several = models or keras or tfjs_models or visible
        paths = [path.relative_to(unpacked).as_posix() for path in several]
        names = ", ".join(paths[:8]) + (f" and {len(paths) - 8} more" if paths[8:] else "")
        raise _nothing(f"the archive holds {names or 'no files'}", where)


def _is_keras(file: Path) -> bool:
    with file.open("rb") as opened:
        if opened.read(len(SIGNATURE)) == SIGNATURE:
            return True
    if not zipfile.is_zipfile(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return {"config.json", "model.weights.h5"} <= set(archive.namelist())
    except zipfile.BadZipFile:
        return False


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
