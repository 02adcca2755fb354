"""A store that several machines share: a folder or a bucket, and a cache of it on each machine.

The shared place holds what is of use to others, ``objects`` and ``steps``, laid out as in a
``Store`` of one machine: a folder may be both. All else is the machine's own, in the cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from pipeline.base.digest import digest, scan
from pipeline.base.errors import PipelineError
from pipeline.engine.store import Place, Result, Store, parse_record, touch, write_record
from pipeline.environment.place import caches
from pipeline.storage import open_storage, scheme
from pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from pipeline.storage import Storage

#: Names another folder for caches of shared stores than the user's.
VARIABLE = "PIPELINE_STORE_CACHE"

#: A cache larger than this gives up what was not used for the longest time.
CACHE_BYTES = 50 * 2**30
#: Seconds for which what was used stays, however large the cache.
RECENT_S = 3600.0


def cache_of(where: str) -> Path:
    """The folder on this machine for the cache of a shared store."""
    named = os.environ.get(VARIABLE)
    folder = Path(named).expanduser().absolute() if named else caches() / "stores"
    return folder / digest("shared store", where)[:16]


class SharedStore(Store):
    """Reads through a cache on this machine; what is made here is there before it is recorded."""

    def __init__(self, where: str, cache: Path | None = None) -> None:
        super().__init__(cache or cache_of(where))
        self._where = where
        self._storage = _open(where)
        self._there: set[str] = set()
        """Objects that were seen in the shared place."""

    @property
    def place(self) -> Place:
        return Place(self.root, self._where)

    def identity(self) -> str:
        self._storage.swap("id", uuid.uuid4().hex.encode(), None)
        content = self._storage.read("id")
        if content is None:
            raise PipelineError(
                "a file that was just written there cannot be read", where=self._where
            )
        return content.data.decode()

    def require(self, identity: str) -> None:
        """Make sure that the place is still there, and not an empty folder where it was mounted.

        Raises:
            PipelineError: it is not; OSError where a folder cannot be read.
        """
        content = self._storage.read("id")
        if content is None or content.data.decode() != identity:
            raise PipelineError("the store is gone", where=self._where, todo="mount it again")

    def result(self, key: str) -> Result | None:
        content = self._storage.read(_record(key))
        result = parse_record(content.data) if content else None
        return result if result and self._has_all(result) else None

    def has_results(self) -> bool:
        return bool(self._storage.names("steps"))

    def record(self, key: str, result: Result) -> None:
        self._storage.write(_record(key), write_record(result))

    def record_first(self, key: str, result: Result) -> Result:
        # The place compares and writes in one operation: no lock reaches from machine to machine.
        if self._storage.swap(_record(key), write_record(result), None):
            return result
        if standing := self.result(key):
            return standing
        self.record(key, result)  # It stands for files that are gone.
        return result

    def add(self, folder: Path, seconds: float) -> Result:
        files = {sha: (folder / path, size) for path, (sha, size) in scan(folder).items()}
        absent = [sha for sha, (_, size) in files.items() if not self._is_there(sha, size)]
        self._storage.each(lambda sha: self._storage.add(_object(sha), files[sha][0], sha), absent)
        self._there.update(absent)
        return super().add(folder, seconds)

    def trim(self, most_bytes: int, recent_s: float = RECENT_S) -> None:
        """Remove from the cache what was not used for the longest time, until it is small enough.

        Args:
            recent_s: what was used in so many seconds stays: processes that run now read it.
        """
        objects = [(path, path.stat()) for path in (self.root / "objects").glob("*/*")]
        excess = sum(status.st_size for _, status in objects) - most_bytes
        removed: dict[int, Path] = {}
        for path, status in sorted(objects, key=lambda entry: entry[1].st_atime):
            if excess <= 0 or status.st_atime > time() - recent_s:
                break
            removed[status.st_ino] = path
            excess -= status.st_size
        if not removed:
            return
        # Folders of links hold the space of what they link to, and are quick to make again.
        for tree in (self.root / "trees").glob("*"):
            files = (Path(top, name) for top, _, names in os.walk(tree) for name in names)
            if any(file.stat().st_ino in removed for file in files):
                shutil.rmtree(tree, ignore_errors=True)
        for path in removed.values():
            path.unlink(missing_ok=True)
            self._verified.discard(path.parent.name + path.name)

    def _has_all(self, result: Result) -> bool:
        return all(
            self._storage.each(lambda entry: self._is_there(*entry), [*result.tree.values()])
        )

    def _is_there(self, sha256: str, size: int) -> bool:
        if sha256 not in self._there:
            path = _object(sha256)
            if self._storage.sizes([path]).get(path) != size:
                return False
            self._there.add(sha256)
        return True

    def _verify(self, sha256: str, size: int) -> None:
        if not self._has(sha256, size):
            self._fetch(sha256)
        try:
            super()._verify(sha256, size)
        except PipelineError:
            self._fetch(sha256)  # The copy was damaged here, and was dropped.
            super()._verify(sha256, size)
        touch(self.path(sha256))  # What ``trim`` goes by.

    def _fetch(self, sha256: str) -> None:
        """Bring a file into the cache.

        Raises:
            PipelineError: it is gone or damaged there too; it was dropped, to be made again.
        """
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        aside = Path(name)

        def copy(blocks: Iterator[bytes]) -> str:
            hashed = hashlib.sha256()
            with aside.open("wb") as file:
                for block in blocks:
                    hashed.update(block)
                    file.write(block)
            return hashed.hexdigest()

        os.close(handle)
        try:
            if self._storage.fold(_object(sha256), copy) != sha256:
                raise FileNotFoundError
            aside.chmod(0o444)
            aside.replace(target)
        except FileNotFoundError:
            self._there.discard(sha256)
            self._storage.remove([_object(sha256)])
            raise PipelineError(
                "a file that an earlier step made is gone or damaged there, and has been dropped",
                where=self._where,
                todo="build again: it is made anew",
            ) from None
        finally:
            aside.unlink(missing_ok=True)


def _open(where: str) -> Storage:
    if scheme(where) == "file":
        # What a machine loses with its power is found by its digest, and made again.
        return LocalStorage(Path(where.removeprefix("file://")), lasting=False)
    return open_storage(where)


def _record(key: str) -> str:
    return f"steps/{key}.json"


def _object(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256[2:]}"
