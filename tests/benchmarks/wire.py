"""Bytes on the wire: what a visitor fetches of a release, and what is left of it in a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import brotli

Sizes = Mapping[str, int]
"""What is fetched: digest or name -> bytes on the wire."""


@cache
def compressed(content: bytes) -> int:
    """Bytes on the wire of what a CDN sends with brotli, or as it is where that is smaller."""
    return min(len(brotli.compress(content)), len(content))


@dataclass(frozen=True)
class Published:
    """The release that ``latest`` of a model's folder pointed to when this was made."""

    folder: Path
    pointer: bytes

    @classmethod
    def latest(cls, folder: Path) -> Published:
        return cls(folder, (folder / "latest.json").read_bytes())

    @cached_property
    def _manifest(self) -> bytes:
        return (self.folder / json.loads(self.pointer)["manifest"]).read_bytes()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self._manifest)
        return read

    def names(self) -> list[str]:
        return [artifact["id"] for artifact in self.manifest["artifacts"]]

    def fetched(self, name: str) -> dict[str, int]:
        """What a visitor who has nothing fetches to run an artifact."""
        files = {
            file["sha256"]: compressed((self.folder / file["path"]).read_bytes())
            for file in self._artifact(name)["files"]
        }
        return {**self._head(), **files}

    def fetched_in_pieces(self, name: str, piece_bytes: int) -> dict[str, int]:
        """The same, were the weights cut every so many bytes, whatever layers lie there."""
        entry, weights = self._parts(name)
        pieces = [weights[i : i + piece_bytes] for i in range(0, len(weights), piece_bytes)]
        files = {hashlib.sha256(file).hexdigest(): compressed(file) for file in (entry, *pieces)}
        return {**self._head(), **files}

    def _head(self) -> dict[str, int]:
        """What names the release, which no cache may answer for: new with every release."""
        digest = hashlib.sha256(self._manifest).hexdigest()
        return {
            f"pointer to {digest}": compressed(self.pointer),
            digest: compressed(self._manifest),
        }

    def _artifact(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(a for a in self.manifest["artifacts"] if a["id"] == name)
        return found

    def _parts(self, name: str) -> tuple[bytes, bytes]:
        """The entry, and all weights joined."""
        artifact = self._artifact(name)
        entry = (self.folder / artifact["entry"]).read_bytes()
        others = [file for file in artifact["files"] if file["path"] != artifact["entry"]]
        return entry, b"".join((self.folder / file["path"]).read_bytes() for file in others)


def again(first: Sizes, second: Sizes) -> int:
    """Bytes that a visitor who keeps what the first release made them fetch has to fetch."""
    return sum(size for name, size in second.items() if name not in first)


@dataclass(frozen=True)
class Update:
    """One artifact from one release to the next."""

    artifact: str
    first_bytes: int
    again_bytes: int
    share: float
    """Of the second release's own bytes."""
    shares_in_pieces: Mapping[int, float]
    """By the pieces' bytes."""


def updates(first: Published, second: Published, pieces: tuple[int, ...] = ()) -> Iterator[Update]:
    """Each artifact's, from ``first`` to ``second``."""
    for name in second.names():
        before, after = first.fetched(name), second.fetched(name)
        cut = {
            size: _share(first.fetched_in_pieces(name, size), second.fetched_in_pieces(name, size))
            for size in pieces
        }
        fetched = again(before, after)
        yield Update(name, sum(before.values()), fetched, _share(before, after), cut)


def _share(before: Sizes, after: Sizes) -> float:
    return again(before, after) / sum(before.values())
