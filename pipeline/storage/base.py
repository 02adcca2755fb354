"""What publishing asks of a place: a handful of calls on paths below its root."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Content:
    """A small file that was read, and which version of it that was."""

    data: bytes
    version: str
    """What ``swap`` compares: an entity tag, or a digest."""


@dataclass(frozen=True)
class Entry:
    """A file in a listing."""

    bytes: int
    modified: float
    """Seconds since the epoch."""


class Readable(ABC):
    """A CDN folder, wherever it is. Paths are relative to its root, with ``/``.

    Missing files are ``None`` or absent from an answer. Otherwise local folders raise OSError, and
    other places PipelineError, once trying again is not worth it.
    """

    where: str
    """What the user calls it."""

    @abstractmethod
    def read(self, path: str, limit_bytes: int = 2**24) -> Content | None:
        """A small file; ValueError where it is larger than ``limit_bytes``."""

    @abstractmethod
    def fold(self, path: str, function: Callable[[Iterator[bytes]], T]) -> T:
        """What ``function`` makes of the blocks of a file of any size.

        It is called again, with all blocks, where reading broke off.

        Raises:
            FileNotFoundError: it is missing.
        """


class Storage(Readable):
    """A CDN folder that can be listed and written."""

    swaps: bool = True
    """Whether ``swap`` compares and writes in one operation of the place itself."""
    parallel: ClassVar[int] = 8
    """Files that are written at once."""

    def each(self, function: Callable[[U], T], items: Sequence[U]) -> list[T]:
        """What a function that asks the place makes of each item; several at once."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.parallel) as pool:
            return list(pool.map(function, items))

    @abstractmethod
    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        """The bytes of those of the files that are there."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """What a folder holds, without hidden files; folders end in ``/``. Empty if it is none."""

    @abstractmethod
    def walk(self, folder: str) -> dict[str, Entry]:
        """Every file below a folder, with its path from the root."""

    @abstractmethod
    def add(self, path: str, source: Path, sha256: str | None = None) -> None:
        """Make a file of a local one, whole or not at all; PipelineError where its digest differs.

        Args:
            sha256: the digest that the bytes must have, if it is known.
        """

    @abstractmethod
    def write(self, path: str, data: bytes) -> None:
        """Make a file, or replace it, whole or not at all."""

    @abstractmethod
    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        """Replace a file only if it still is the version that was read; ``None``: if there is none.

        False does not prove that another one wrote: an answer may have been lost. Read again.
        """

    @abstractmethod
    def claimed(self, name: str, text: str) -> AbstractContextManager[str]:
        """Gives ``text``, or what another one that works on the same thing claimed first.

        So what both of them make of it is the same, whichever file is whose in the end. Whoever
        claims has to look afterwards whether it was finished meanwhile.
        """

    @abstractmethod
    def remove(self, paths: Collection[str]) -> None:
        """Remove files; those that are gone already are no fault."""

    @abstractmethod
    def new_folder(self, path: str, last: str) -> AbstractContextManager[Path]:
        """A local folder to write into; it appears under ``path`` when the block ends well.

        Args:
            last: the file that makes it whole: it appears after all others, and is never replaced.
        """

    @abstractmethod
    def publishing(self) -> AbstractContextManager[None]:
        """For the time of a publication: nothing is cleaned away meanwhile."""

    @abstractmethod
    def cleaning(self, grace_seconds: float) -> AbstractContextManager[None]:
        """For the time of a clean-up: nobody publishes meanwhile.

        Args:
            grace_seconds: a publisher that has not ended after this long was killed.

        Raises:
            PipelineError: somebody publishes now.
        """


def join(*parts: str) -> str:
    """A path of parts, without empty ones."""
    return "/".join(part for part in parts if part)
