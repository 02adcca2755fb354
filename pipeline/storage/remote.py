"""Any place that fsspec knows, through its common calls.

Kinds that can do more (compare and swap, headers) have a module of their own, with a subclass.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.base.errors import ConfigError, MissingToolError, PipelineError
from pipeline.environment import advice
from pipeline.storage import flags
from pipeline.storage.base import Content, Entry, Storage
from pipeline.storage.headers import Headers, headers
from pipeline.storage.local import check_digest
from pipeline.storage.patience import Patience, patiently

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")

BLOCK_BYTES = 2**23
#: Numbers of errors after which trying again may help: busy, interrupted, input/output, remote
#: input/output, and of the network.
PASSING = frozenset((4, 5, 11, 16, 100, 101, 102, 103, 104, 110, 111, 112, 113, 121))


def implementation(url: str) -> type[AbstractFileSystem]:
    """The class of fsspec's for a URL.

    Raises:
        MissingToolError: its library is not installed.
        ConfigError: fsspec knows none.
    """
    from fsspec import get_filesystem_class
    from fsspec.registry import known_implementations

    scheme = url.partition("://")[0].lower()
    try:
        filesystem: type[AbstractFileSystem] = get_filesystem_class(scheme)
        return filesystem
    except ImportError as error:
        locked = f"run: {advice()}" if scheme in ("s3", "s3a") else ""
        hint = known_implementations.get(scheme, {}).get("err", str(error))
        raise MissingToolError(
            f"{scheme}:// needs a library that is not installed",
            where=url,
            todo=locked or hint,
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"fsspec knows no {scheme}://",
            where=url,
            todo="name a folder, or a URL such as s3://bucket/prefix",
        ) from error


class RemoteStorage(Storage):
    """Objects below a URL."""

    swaps = False

    def __init__(self, url: str, patience: Patience | None = None, **options: Any) -> None:
        kind = implementation(url)
        self.where = url.rstrip("/")
        self.patience = patience or Patience()
        # Listings must be true, not remembered: others publish too.
        self.fs: AbstractFileSystem = kind(use_listings_cache=False, **options)
        self.root = str(self.fs._strip_protocol(self.where)).rstrip("/")

    def read(self, path: str, limit_bytes: int = 2**24) -> Content | None:
        try:
            return self.call(path, self._read, self._full(path), limit_bytes)
        except FileNotFoundError:
            return None

    def fold(self, path: str, function: Callable[[Iterator[bytes]], T]) -> T:
        return function(self._blocks(path))

    def _blocks(self, path: str) -> Iterator[bytes]:
        size = int(self.call(path, self.fs.size, self._full(path)))
        for start in range(0, size, BLOCK_BYTES):
            end = min(start + BLOCK_BYTES, size)
            yield self.call(path, self.fs.cat_file, self._full(path), start=start, end=end)

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        # A listing of a folder answers for a thousand files at once.
        sizes: dict[str, int] = {}
        for folder in sorted({path.rpartition("/")[0] for path in paths}):
            sizes |= {
                self._relative(entry["name"]): int(entry["size"])
                for entry in self._list(folder)
                if entry["type"] == "file"
            }
        return {path: sizes[path] for path in paths if path in sizes}

    def names(self, folder: str) -> list[str]:
        names = [
            entry["name"].rstrip("/").rpartition("/")[2]
            + ("/" if entry["type"] == "directory" else "")
            for entry in self._list(folder)
        ]
        return sorted(name for name in names if not name.startswith("."))

    def walk(self, folder: str) -> dict[str, Entry]:
        entries = self.call(folder, self.fs.find, self._full(folder), detail=True)
        return {
            self._relative(name): Entry(int(entry["size"]), modified(entry))
            for name, entry in entries.items()
        }

    def add(self, path: str, source: Path, sha256: str | None = None) -> None:
        check_digest(source, source, sha256)
        self._write(path, self._put_file, source, headers(path))

    def write(self, path: str, data: bytes) -> None:
        self._write(path, self._put, data, headers(path))

    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        if self.read(path) != expected:
            return False
        self.write(path, data)
        return True

    @contextmanager
    def claimed(self, name: str, text: str) -> Iterator[str]:
        path = f"{flags.PUBLISHING}/{name}"
        mine = self.swap(path, text.encode(), None)
        content = None if mine else self.read(path)
        try:
            yield content.data.decode() if content else text
        finally:
            # Also where it failed: what is left there keeps clean-ups away.
            self.remove([path])

    def remove(self, paths: Collection[str]) -> None:
        if paths:
            full = [self._full(path) for path in paths]
            self.call(next(iter(paths)), self._remove, full)

    @contextmanager
    def new_folder(self, path: str, last: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
            files = {file.relative_to(name).as_posix(): file for file in Path(name).rglob("*")}
            others = {key: file for key, file in files.items() if key != last and file.is_file()}
            self.each(lambda other: self.add(f"{path}/{other[0]}", other[1]), list(others.items()))
            # Not replaced if another publisher was quicker: a channel may name its digest already.
            self.swap(f"{path}/{last}", files[last].read_bytes(), None)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        with flags.publishing(self):
            yield

    @contextmanager
    def cleaning(self, grace_seconds: float) -> Iterator[None]:
        with flags.cleaning(self, grace_seconds):
            yield

    # -- what a subclass may do better ----------------------------------------------------

    def _read(self, full: str, limit_bytes: int) -> Content:
        if int(self.fs.size(full) or 0) > limit_bytes:
            raise ValueError(f"larger than {limit_bytes:,} bytes")
        data = self.fs.cat_file(full)
        return Content(data, hashlib.sha256(data).hexdigest())

    def _put_file(self, full: str, source: Path, head: Headers) -> None:
        self._in_folder(full, lambda: self.fs.put_file(str(source), full))

    def _put(self, full: str, data: bytes, head: Headers) -> None:
        self._in_folder(full, lambda: self.fs.pipe_file(full, data))

    def _in_folder(self, full: str, write: Callable[[], object]) -> None:
        """Write; where folders are real, make the file's own if it is missing."""
        try:
            write()
        except FileNotFoundError:
            self.fs.makedirs(full.rpartition("/")[0], exist_ok=True)
            write()

    def _remove(self, full: list[str]) -> None:
        for path in full:
            try:
                self.fs.rm_file(path)
            except FileNotFoundError:
                continue

    def passing(self, error: BaseException) -> bool:
        """Whether trying again may help."""
        number = getattr(error, "errno", None)
        return isinstance(error, (ConnectionError, TimeoutError)) or number in PASSING

    # -------------------------------------------------------------------------------------

    def call(self, path: str, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """Call, again where that may help; then say what happened in our words."""
        try:
            return patiently(self.patience, self.passing, lambda: function(*args, **named))
        except (FileNotFoundError, ValueError, PipelineError):
            raise
        except Exception as error:  # Each library of fsspec's raises kinds of its own.
            raise self._failed(path, error) from error

    def _failed(self, path: str, error: Exception) -> PipelineError:
        first = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
        where = f"{self.where}/{path}" if path else self.where
        if isinstance(error, PermissionError):
            return PipelineError(
                f"access denied ({first})",
                where=where,
                todo="give these credentials the right to read, list and write there",
            )
        tried = f" after {self.patience.attempts} attempts" if self.passing(error) else ""
        return PipelineError(
            f"the store failed{tried}: {first}",
            where=where,
            todo="try again: what arrived is not sent twice, and nothing is half published",
        )

    def _write(self, path: str, function: Callable[..., T], *args: Any) -> T:
        try:
            return self.call(path, function, self._full(path), *args)
        except FileNotFoundError as error:
            raise PipelineError(
                "there is no such bucket or container", where=self.where, todo="make it first"
            ) from error

    def _list(self, folder: str) -> list[dict[str, Any]]:
        try:
            entries = self.call(folder, self.fs.ls, self._full(folder), detail=True)
        except FileNotFoundError:
            return []
        full = self._full(folder).strip("/")
        return [entry for entry in entries if entry["name"].strip("/") != full]

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def _relative(self, full: str) -> str:
        return full.strip("/").removeprefix(self.root.strip("/")).lstrip("/")


def modified(info: dict[str, Any]) -> float:
    """When a file was written, in seconds since the epoch; now where the place does not say."""
    for key in ("LastModified", "mtime", "modified", "created", "last_modified", "updated"):
        written = info.get(key)
        if isinstance(written, datetime):
            return written.timestamp()
        if isinstance(written, (int, float)):
            return float(written)
    return time.time()
