"""What a check works on, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.storage import Readable

REPORT = "report.html"

#: No manifest, report or signature of a release is larger.
SMALL_BYTES = 2**26


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was published."""

    path: str
    """Below the CDN folder's root."""
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Published:
    """One release, as it was found."""

    storage: Readable
    model: str
    release: str
    manifest: Mapping[str, Any]
    raw: bytes
    """The manifest's bytes."""
    seen: dict[str, Fault | None] = field(default_factory=dict)
    """What files of other releases were found to be: shared ones are read once."""
    looked: set[str] = field(default_factory=set)
    """Where twins that need not be there were looked for."""
    advance: Callable[[int], None] = lambda read_bytes: None
    """Told of bytes that were checked."""

    def path(self, name: str) -> str:
        """A file of the release's folder, from the CDN folder's root."""
        return f"{self.model}/releases/{self.release}/{name}"

    def file(self, name: str) -> bytes:
        """The bytes of a file of the release's folder; FileNotFoundError where it is missing."""
        content = self.storage.read(self.path(name), SMALL_BYTES)
        if content is None:
            raise FileNotFoundError(self.path(name))
        return content.data


#: One thing to check of a release. Those that ``checks.CHECKS`` lists are made of every release.
Check = Callable[[Published], Iterator[Fault]]
