"""A folder on this machine: everything is written aside and renamed, under one lock.

Imports nothing that a build with nothing to do could spare.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.base.digest import file_digest
from pipeline.base.errors import PipelineError
from pipeline.base.files import write_aside
from pipeline.storage.base import Content, Entry, Storage

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")
U = TypeVar("U")

#: Where a publisher that was killed may have left what it had not finished.
LEFTOVERS = (".new-*", "*/.new-*", "*/*/.new-*")
BLOCK_BYTES = 2**20


class LocalStorage(Storage):
    """A folder, and a lock in it for those that write.

    Args:
        lasting: whether to wait for the disk, so that a machine that loses its power loses no file.
    """

    # More threads than this only wait for the disk.
    parallel = 4

    def __init__(self, root: Path, *, lasting: bool = True) -> None:
        self.root, self._lasting = root, lasting
        self.where = str(root)

    def read(self, path: str, limit_bytes: int = 2**24) -> Content | None:
        try:
            with (self.root / path).open("rb") as file:
                data = file.read(limit_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(data) > limit_bytes:
            raise ValueError(f"larger than {limit_bytes:,} bytes")
        return Content(data, hashlib.sha256(data).hexdigest())

    def fold(self, path: str, function: Callable[[Iterator[bytes]], T]) -> T:
        with (self.root / path).open("rb") as file:
            return function(iter(lambda: file.read(BLOCK_BYTES), b""))

    def each(self, function: Callable[[U], T], items: Sequence[U]) -> list[T]:
        return [function(item) for item in items]  # A thread would cost more than the answer.

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        sizes = {}
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                sizes[path] = (self.root / path).stat().st_size
        return sizes

    def names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if not name.startswith("."))

    def walk(self, folder: str) -> dict[str, Entry]:
        entries = {}
        for top, _, names in os.walk(self.root / folder):
            for path in (Path(top, name) for name in names):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    relative = path.relative_to(self.root).as_posix()
                    entries[relative] = Entry(status.st_size, status.st_mtime)
        return entries

    def add(self, path: str, source: Path, sha256: str | None = None) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
                shutil.copyfileobj(original, copy, BLOCK_BYTES)
                copy.flush()
                if self._lasting:
                    os.fsync(copy.fileno())
            check_digest(aside, source, sha256)
            aside.chmod(0o644)
            aside.replace(target)
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()

    def write(self, path: str, data: bytes) -> None:
        write_aside(self.root / path, data, lasting=self._lasting)

    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        with self._locked():
            if self.read(path) != expected:
                return False
            self.write(path, data)
            return True

    @contextmanager
    def claimed(self, name: str, text: str) -> Iterator[str]:
        yield text  # Only one at a time publishes here.

    def remove(self, paths: Collection[str]) -> None:
        for path in paths:
            (self.root / path).unlink(missing_ok=True)
        for folder in sorted({(self.root / path).parent for path in paths}, reverse=True):
            with suppress(OSError):  # it still holds something
                folder.rmdir()

    @contextmanager
    def new_folder(self, path: str, last: str) -> Iterator[Path]:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        try:
            yield aside
            # One rename: there is no moment at which it holds a part. What a removal that was
            # interrupted left of an earlier one is replaced.
            if target.exists() and not (target / last).exists():
                shutil.rmtree(target)
            aside.chmod(0o755)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        with self._locked():
            for leftover in (
                leftover_path for place in LEFTOVERS for leftover_path in self.root.glob(place)
            ):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
            yield

    @contextmanager
    def cleaning(self, grace_seconds: float) -> Iterator[None]:
        with self.publishing():
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; again within itself."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock:
            yield

    @cached_property
    def _lock(self) -> BaseFileLock:
        from filelock import FileLock

        return FileLock(self.root / ".lock")


def check_digest(file: Path, source: Path, sha256: str | None) -> None:
    """Refuse bytes that are not those that were asked for."""
    if sha256 is not None and file_digest(file)[0] != sha256:
        raise PipelineError("changed while it was copied", where=str(source), todo="build again")
