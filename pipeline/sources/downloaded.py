"""What a download may be: one model's file, or an archive of one, told by its content."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

from pydantic import Field

from pipeline.base.errors import SourceError
from pipeline.base.options import StrictOptions
from pipeline.download.unpack import is_archive, unpack
from pipeline.sources import saved_model
from pipeline.sources.content import list_models, named, write_any
from pipeline.sources.tfjs import files as tfjs_files

_MAX_FILES: Final = 10_000

#: A file's place beside another one; nothing of it leads out of a folder.
RelativeFile = Annotated[str, Field(pattern=r"^[\w+-][\w.+ -]*(/[\w+-][\w.+ -]*)*$")]


class DownloadOptions(StrictOptions):
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
    if write_any(file, work, where):
        return
    if is_archive(file):
        unpacked = work / "unpacked"
        unpack(file, unpacked, max_bytes=options.max_bytes, max_files=_MAX_FILES)
        _write_unpacked(unpacked, options, work, where)
        shutil.rmtree(unpacked, ignore_errors=True)
    else:
        raise _nothing(f"it begins with {_beginning(file)!r}", where)


def write_files(files: Mapping[str, Path], main: str, work: Path, where: str) -> bool:
    """Write the source folder of a model of several files; ``False`` where it is no model.

    Args:
        files: by their places beside each other.
        main: the one that names the others.

    Raises:
        SourceError: it is damaged, may not be loaded, or reads more than these files.
    """
    _refuse_lacking(files, main, where)
    together = work / "got"
    for name, path in files.items():
        (together / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, together / name)
    is_model = write_any(together / main, work, where)
    shutil.rmtree(together)
    return is_model


def _refuse_lacking(files: Mapping[str, Path], main: str, where: str) -> None:
    """Say at once what all is lacking of a TF.js model, which is often in dozens of files."""
    if not tfjs_files.is_model(files[main]):
        return
    groups = tfjs_files.groups_of(tfjs_files.read_model(files[main]), where)
    folder = PurePosixPath(main).parent
    reads = [str(folder / path) for group in groups for path in group.paths]
    if lacking := [path for path in reads if path not in files]:
        raise SourceError(
            f"its weights are in other files, and {len(lacking)} of {len(reads)} are not named",
            where=where,
            todo=f"add beside to the source: [{', '.join(reads)}]",
        )


def _write_unpacked(unpacked: Path, options: DownloadOptions, work: Path, where: str) -> None:
    saved, files = sorted(unpacked.rglob("saved_model.pb")), list_models(unpacked)
    if len(saved) == 1:
        saved_model.write_source(
            saved[0].parent, work, signature=options.signature, tags=list(options.tags)
        )
    elif not saved and len(files) == 1:
        write_any(files[0], work, f"{where}: {named(files, unpacked)}")
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
