"""What a download may be: one model's file, or an archive of one, told by its content."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from pydantic import Field

import pipeline.base.options
from pipeline.base.errors import SourceError
from pipeline.download.unpack import is_archive, unpack
from pipeline.sources import saved_model
from pipeline.sources.content import list_models, named, write_any

_MAX_FILES: Final = 10_000


class DownloadOptions(pipeline.base.options.Options):
    """How large it may be, and which part of a SavedModel is meant."""

    max_bytes: int = Field(2 * 2**30, ge=1)
    """Bytes at most, both as downloaded and as unpacked."""
    signature: str = "serving_default"
    """Which signature of a SavedModel to convert."""
    tags: tuple[str, ...] = ("serve",)
    """Which graph of a SavedModel to load, by its tags."""


def write_downloaded(file: Path, options: DownloadOptions, work: Path, where: str) -> None:
    """Write the source folder of a download.

    Raises:
        SourceError: it is not one model, or may not be loaded.
    """
    if write_any(file, work):
        return
    if is_archive(file):
        unpacked = work / "unpacked"
        unpack(file, unpacked, max_bytes=options.max_bytes, max_files=_MAX_FILES)
        _write_unpacked(unpacked, options, work, where)
        shutil.rmtree(unpacked, ignore_errors=True)
    else:
        raise _nothing(f"it begins with {_beginning(file)!r}", where)


def _write_unpacked(unpacked: Path, options: DownloadOptions, work: Path, where: str) -> None:
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
