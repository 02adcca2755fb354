"""Content-addressed files on this machine: what a step made once is made once.

``objects/ab/cdef…``  a file, named by the sha256 of its content, read-only
``trees/<digest>/``   a folder of links to objects: what a step sees as its input
``steps/<key>.json``  the result of a step: its key holds all that decided it
``downloads/``        files fetched from the network, by digest, and parts of them
``last/<model>.json`` what a model's last build came to
``work/``             folders in which steps are running
``id``                what tells it from every other store
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from time import time
from typing import Any

from pipeline.base.digest import Tree, digest, file_digest, scan, tree_digest
from pipeline.base.errors import PipelineError
from pipeline.base.files import alone_in, write_aside


@dataclass(frozen=True)
class Result:
    """What a step made."""

    tree: Tree
    seconds: float
    """How long the step took when it ran."""

    @cached_property
    def digest(self) -> str:
        return tree_digest(self.tree)


@dataclass(frozen=True)
class Place:
    """Where a store is, as it travels to another process of this machine."""

    root: Path
    shared: str | None = None
    """The folder or URL that it shares with other machines, of which ``root`` is a cache."""


@dataclass(frozen=True)
class Taken:
    """A file or folder from outside, as it lies in the store."""

    tree: Tree
    file: str = ""
    """The name of the one file; empty for a folder."""


class Store:
    """A store in one folder; safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._verified: set[str] = set()

    @property
    def place(self) -> Place:
        """Where another process of this machine opens it."""
        return Place(self.root)

    def identity(self) -> str:
        """The same for everyone who uses this store, whatever path or URL they know it by."""
        path = self.root / "id"
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            aside = self.root / f".new-{uuid.uuid4().hex}"
            aside.write_text(uuid.uuid4().hex)
            with suppress(FileExistsError):
                path.hardlink_to(aside)  # unlike a rename, it replaces nothing
            aside.unlink()
        return path.read_text()

    def result(self, key: str) -> Result | None:
        """The recorded result under ``key``, or ``None`` if it must be (re)made."""
        result = None
        with suppress(OSError):
            result = parse_record(self._record(key).read_bytes())
        if result is None or not all(self._has(*entry) for entry in result.tree.values()):
            return None
        # The time of last use is what ``clean`` goes by.
        with suppress(OSError):
            os.utime(self._record(key))
        return result

    def has_results(self) -> bool:
        """Whether any build has come to a result here."""
        return any((self.root / "steps").glob("*.json"))

    def record(self, key: str, result: Result) -> None:
        """Remember that the step with ``key`` made ``result``."""
        write_aside(self._record(key), write_record(result), lasting=False)

    def record_first(self, key: str, result: Result) -> Result:
        """The same, unless another process came first: then what it made is the result of both.

        Results of one key may differ, as measured times do. Builds at one time that kept their own
        would each overwrite what the other one's later steps were made of.
        """
        folder = self.root / "steps"
        folder.mkdir(parents=True, exist_ok=True)
        with alone_in(folder):
            standing = self.result(key)
            if standing is None:
                self.record(key, result)
        return standing or result

    def add(self, folder: Path, seconds: float) -> Result:
        """Move every file of a finished work folder into the objects."""
        tree = scan(folder)
        for path, (sha256, size) in tree.items():
            self._keep(folder / path, sha256, size)
        return Result(tree, seconds)

    def take(self, path: Path) -> Taken:
        """Copy a file or folder from outside into the objects."""
        one = path.name if path.is_file() else ""
        with self.work_folder() as work:
            if one:
                shutil.copyfile(path, work / one)
            else:
                shutil.copytree(path, work, dirs_exist_ok=True)
            return Taken(self.add(work, 0.0).tree, one)

    def open_taken(self, taken: Taken) -> Path:
        """What was taken: a read-only folder, or the one file in it."""
        return self.open(Result(taken.tree, 0.0)) / taken.file

    def open(self, result: Result) -> Path:
        """A read-only folder with the result's files, each checked against its digest.

        Raises:
            PipelineError: an object is damaged; it has been dropped, so that the
                next build makes it again.
        """
        for sha256, size in result.tree.values():
            self._verify(sha256, size)
        folder = self.root / "trees" / result.digest
        if not self._is_linked(result, folder):
            shutil.rmtree(folder, ignore_errors=True)
            self._link(result, folder)
        return folder

    def _is_linked(self, result: Result, folder: Path) -> bool:
        """Whether a folder has the very files that were just checked, or whole copies of them.

        A file that was damaged and made again lies beside the damaged one that it linked to.
        """
        try:
            return all(
                (folder / path).samefile(self.path(sha256))
                or file_digest(folder / path)[0] == sha256
                for path, (sha256, _) in result.tree.items()
            )
        except OSError:
            return False

    def read(self, result: Result, name: str) -> str:
        """The text of one file of a result."""
        return (self.open(result) / name).read_text()

    def path(self, sha256: str) -> Path:
        """Where the object with this digest lies."""
        return self.root / "objects" / sha256[:2] / sha256[2:]

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A fresh folder for one run of one step, gone afterwards."""
        parent = self.root / "work"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            yield Path(folder)

    @contextmanager
    def in_use(self, *, alone: bool = False) -> Iterator[None]:
        """Hold the store, together with other builds or alone; a killed process lets go.

        The first to come removes the work folders of those that were killed.

        Raises:
            PipelineError: it is to be held alone while another process uses it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".in-use").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(self.root / "work", ignore_errors=True)
            except BlockingIOError:
                if alone:
                    raise PipelineError(
                        "a build is using the store",
                        where=str(self.root),
                        todo="wait for it to end",
                    ) from None
            if not alone:
                fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def clean(self, keep_days: float, dry_run: bool) -> tuple[int, int]:
        """Remove results not used for ``keep_days`` days, and the files only they needed.

        Returns:
            How many files were (or would be) removed, and their bytes.
        """
        with self.in_use(alone=True):
            return self._clean(keep_days, dry_run)

    def _clean(self, keep_days: float, dry_run: bool) -> tuple[int, int]:
        oldest = time() - keep_days * 86400
        records = list((self.root / "steps").glob("*.json"))
        old = [path for path in records if path.stat().st_mtime <= oldest]
        digests = {sha for path in set(records) - set(old) for sha in _digests(path)}
        objects = (self.root / "objects").glob("*/*")
        loose = [path for path in objects if path.parent.name + path.name not in digests]
        downloads = [
            path
            for path in (self.root / "downloads").glob("*")
            if path.is_file() and path.stat().st_atime <= oldest
        ]
        receipts = (self.root / "receipts").glob("*.json")
        forgotten = [path for path in receipts if path.stat().st_mtime <= oldest]
        size = sum(path.stat().st_size for path in (*loose, *downloads))
        if not dry_run:
            # Folders of links first: they can be made again, and hold the space.
            shutil.rmtree(self.root / "trees", ignore_errors=True)
            for path in (*old, *loose, *downloads, *forgotten):
                path.unlink(missing_ok=True)
        return len(loose) + len(downloads), size

    def _record(self, key: str) -> Path:
        return self.root / "steps" / f"{key}.json"

    def _has(self, sha256: str, size: int) -> bool:
        try:
            return self.path(sha256).stat().st_size == size
        except OSError:
            return False

    def _keep(self, file: Path, sha256: str, size: int) -> None:
        target = self.path(sha256)
        if self._has(sha256, size):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        file.chmod(0o444)
        file.replace(target)
        self._verified.add(sha256)

    def _verify(self, sha256: str, size: int) -> None:
        if sha256 in self._verified:
            return
        path = self.path(sha256)
        # A read-only mode proves nothing: disks fail and people edit. Look.
        if not self._has(sha256, size) or file_digest(path)[0] != sha256:
            path.unlink(missing_ok=True)
            # Folders made before still hold the damaged file; they are quick to make again.
            shutil.rmtree(self.root / "trees", ignore_errors=True)
            raise PipelineError(
                "a file that an earlier step made was damaged and has been dropped",
                todo="build again: it is made anew",
            )
        self._verified.add(sha256)

    def _link(self, result: Result, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        for path, (sha256, _) in result.tree.items():
            link = aside / path
            link.parent.mkdir(parents=True, exist_ok=True)
            _same_file(self.path(sha256), link)
        try:
            aside.rename(folder)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def write_record(result: Result) -> bytes:
    """What stands under a step's key."""
    record = {"tree": result.tree, "seconds": round(result.seconds, 3)}
    return json.dumps({**record, "digest": _record_digest(record)}).encode()


def parse_record(content: bytes) -> Result | None:
    """The result that a record speaks of; ``None`` where it was damaged."""
    try:
        record = json.loads(content)
        tree = {path: (sha256, size) for path, (sha256, size) in record["tree"].items()}
        # Those of earlier versions have no digest.
        if record.pop("digest", None) not in (None, _record_digest(record)):
            return None
        return Result(tree, record["seconds"]) if all(map(_is_inside, tree)) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _record_digest(record: Mapping[str, Any]) -> str:
    return digest("record", record["tree"], record["seconds"])


def _is_inside(path: str) -> bool:
    """Whether a path leads nowhere out of its folder, whoever wrote the record."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts


def touch(path: Path) -> None:
    """Note that a file was used now; ``clean`` goes by it. Its content's time stays."""
    with suppress(OSError):
        os.utime(path, (time(), path.stat().st_mtime))


def _same_file(source: Path, target: Path) -> None:
    # A hard link, not a symbolic one: onnxruntime refuses weights whose real
    # path lies outside the model's folder.
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _digests(record: Path) -> Iterator[str]:
    try:
        tree = json.loads(record.read_text())["tree"]
        yield from (sha256 for sha256, _ in tree.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
