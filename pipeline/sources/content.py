"""Tells by its content what kind of model a file is, where only its bytes came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.base.errors import SourceError
from pipeline.sources.contract import Source, sources


def recognize(path: Path) -> Source | None:
    """The kind of source that a file is of; ``None`` where it is no model."""
    return next((source for source in sources().values() if source.recognizes(path)), None)


def list_models(folder: Path) -> list[Path]:
    """The model files in a folder and below it."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name[:1] != ".")
    return [path for path in files if recognize(path)]


def write_any(path: Path, work: Path, where: str) -> bool:
    """Write the source folder of a file of any kind; ``False`` where it is no model.

    Args:
        where: where people know it to be.

    Raises:
        SourceError: it is damaged, may not be loaded, or a file that it reads is not beside it.
    """
    kind = recognize(path)
    if kind is None or kind.write is None:
        return False
    try:
        kind.write(path, work)
    except SourceError as error:
        raise SourceError(error.what, where=where, todo=error.todo) from error
    return True


def named(paths: Sequence[Path], folder: Path, most: int = 8) -> str:
    """Files of a folder for people: the first ones, and how many there are more."""
    names = [path.relative_to(folder).as_posix() for path in paths]
    more = f" and {len(names) - most:,} more" if names[most:] else ""
    return f"{', '.join(names[:most])}{more}" or "no files"
