"""Files that a release needs: which are missing, and several of them copied at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.storage.base import Storage
from pipeline.storage.headers import immutable
from pipeline.storage.layout import TWINS

if TYPE_CHECKING:
    from pipeline.manifest.artifact import File
    from pipeline.manifest.release import Manifest, RuntimeFile


class CopyProgress(Protocol):
    """Who wants to know how far copying is."""

    def of(self, total_bytes: int) -> None:
        """It begins, with so many bytes to copy."""

    def advance(self, count: int) -> None:
        """So many bytes more were copied."""


class SilentProgress:
    """Nobody wants to know."""

    def of(self, total_bytes: int) -> None:
        return

    def advance(self, count: int) -> None:
        return


@dataclass(frozen=True)
class Piece:
    """One file of a CDN folder."""

    path: str
    """Below the CDN folder's root."""
    source: Callable[[], Path]
    """Gives the file; asked only where it is missing."""
    bytes: int | None = None
    """What it has to hold to count as there; ``None``: whatever it holds."""
    sha256: str | None = None
    """Checked as it is copied."""


def artifact_pieces(
    manifest: Manifest,
    artifact: Callable[[str], Path],
    compressed: Callable[[str], Path] | None,
) -> Iterator[Piece]:
    """The files of every artifact, each once, with their compressed twins.

    Args:
        artifact: gives the ARTIFACT folder of an artifact id.
        compressed: gives the folder with ``<path>.br`` and ``<path>.gz`` of an artifact's files.
    """
    name, seen = manifest["name"], set()
    opened = cache(artifact)
    twins = cache(compressed) if compressed else None
    for entry in manifest["artifacts"]:
        for file in entry["files"]:
            path = file["path"]
            if path in seen:
                continue
            seen.add(path)
            plain = partial(opened, entry["id"])
            packed = partial(twins, entry["id"]) if twins else None
            yield from file_pieces(file, f"{name}/{path}", path, plain, packed)


def file_pieces(
    file: File | RuntimeFile,
    place: str,
    path: str,
    plain: Callable[[], Path],
    packed: Callable[[], Path] | None,
) -> Iterator[Piece]:
    """A file as a manifest lists it, and its compressed twins.

    Args:
        place: where it goes, below the CDN folder's root.
        path: where it lies, below the folders that ``plain`` and ``packed`` give.
        packed: gives the folder of its twins; ``None`` where none were made.
    """
    yield Piece(place, partial(_below, plain, path), file["bytes"], file["sha256"])
    if packed is None:
        return
    for suffix, size in zip(TWINS, (file.get("br_bytes"), file.get("gz_bytes")), strict=True):
        # Another version of the compressor may have made the one that is there: what it holds is
        # the same, unless its size says that it was cut.
        if size is not None:
            yield Piece(place + suffix, partial(_below, packed, path + suffix), size)


def _below(folder: Callable[[], Path], path: str) -> Path:
    return folder() / path


def list_missing(storage: Storage, pieces: Iterable[Piece]) -> list[Piece]:
    """Those that are not there yet; of the files that may change, those that are others now."""
    remaining = list(pieces)
    there = storage.sizes([piece.path for piece in remaining])

    def lacking(piece: Piece) -> bool:
        present_bytes = there.get(piece.path)
        cut = present_bytes is None or piece.bytes not in (None, present_bytes)
        return cut or not (immutable(piece.path) or _is_same(storage, piece))

    return [
        piece
        for piece, lacks in zip(remaining, storage.each(lacking, remaining), strict=True)
        if lacks
    ]


def stale(storage: Storage, pieces: Iterable[Piece]) -> list[str]:
    """Compressed twins of files that may change, made of what these held before.

    Servers send a twin in its file's place: what no longer compresses must have none.
    """
    needed = {piece.path for piece in pieces}
    changing = [path for path in needed if not immutable(path) and not path.endswith(tuple(TWINS))]
    twins = {path + suffix for path in changing for suffix in TWINS}
    return sorted(storage.sizes(twins - needed))


def _is_same(storage: Storage, piece: Piece) -> bool:
    content = storage.read(piece.path)
    return content is not None and content.data == piece.source().read_bytes()


def upload(storage: Storage, pieces: Sequence[Piece], progress: CopyProgress) -> None:
    """Copy files, several at once: those that never change before those that others refer from."""
    # Each source is asked for here, not in a thread: opening an artifact checks all of its files.
    sources = {piece.path: piece.source() for piece in pieces}
    progress.of(sum(path.stat().st_size for path in sources.values()))
    for unchanging in (True, False):
        part = [piece for piece in pieces if immutable(piece.path) is unchanging]
        _copy(storage, part, sources, progress)


def _copy(
    storage: Storage,
    pieces: Sequence[Piece],
    sources: Mapping[str, Path],
    progress: CopyProgress,
) -> None:
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with ThreadPoolExecutor(storage.parallel) as pool:
        futures = {
            pool.submit(storage.add, piece.path, sources[piece.path], piece.sha256): piece
            for piece in pieces
        }
        try:
            for future in as_completed(futures):
                future.result()
                progress.advance(sources[futures[future].path].stat().st_size)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
