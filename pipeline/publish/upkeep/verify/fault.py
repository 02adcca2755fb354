"""What a check works on, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.cdn.tree import Release

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was published."""

    path: str
    """Below the CDN folder's root."""
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Published(Release):
    """One release, as it was found."""

    said: ReleaseManifest
    """By its manifest."""
    raw: bytes
    """The manifest's bytes."""
    seen: dict[str, Fault | None] = field(default_factory=dict)
    """What files of other releases were found to be: shared ones are read once."""
    looked: set[str] = field(default_factory=set)
    """Where twins that need not be there were looked for."""
    advance: Callable[[int], None] = lambda read_bytes: None
    """Told of bytes that were checked."""


#: One thing to check of a release. Those that ``checks.CHECKS`` lists are made of every release.
Check = Callable[[Published], Iterator[Fault]]
