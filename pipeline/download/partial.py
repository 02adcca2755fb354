"""The beginning of a download, kept on disk so that a broken one can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.base.files import write_aside

_BLOCK_BYTES: Final = 2**20


@dataclass(frozen=True)
class Version:
    """What the server said of the version of the file that a part is the beginning of."""

    validator: str | None = None
    """A strong ETag or a Last-Modified date: an If-Range value."""
    bytes: int | None = None


class PartialFile:
    """The beginning of a file: its bytes on disk, their hash, and the version they are of."""

    def __init__(self, stem: Path) -> None:
        self.path = stem.with_suffix(".part")
        self._described = stem.with_suffix(".json")
        self.version = self._read_version()
        self.size = 0
        self.hash = hashlib.sha256()
        if self.version.validator is None:
            self.restart(self.version)
        else:
            self._rehash()

    def _read_version(self) -> Version:
        try:
            return Version(**json.loads(self._described.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return Version()

    def _rehash(self) -> None:
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                self.hash.update(block)
                self.size += len(block)

    def restart(self, version: Version) -> None:
        """Forget what there is. The bytes go first: they never lie beside another version."""
        self.path.unlink(missing_ok=True)
        self.size, self.hash, self.version = 0, hashlib.sha256(), version
        if version == Version():
            self._described.unlink(missing_ok=True)
        else:
            write_aside(self._described, json.dumps(asdict(version)))

    def add(self, file: BinaryIO, block: bytes) -> None:
        """Append to ``file``, which is ``path`` opened for appending."""
        file.write(block)
        self.hash.update(block)
        self.size += len(block)

    @property
    def complete(self) -> bool:
        """True where every byte that the server spoke of is there."""
        return self.size > 0 and self.size == self.version.bytes

    def keep_as(self, path: Path) -> None:
        """Give the part its final name, once all of its bytes are on the disk."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.chmod(0o444)
        self.path.replace(path)
        self._described.unlink(missing_ok=True)
