"""What a kind of storage is: the schemes of URLs that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.storage.base import Readable
    from pipeline.storage.patience import Patience


class Open(Protocol):
    """Opens a place."""

    def __call__(self, url: str, patience: Patience | None = None) -> Readable: ...


@dataclass(frozen=True)
class StorageKind:
    """One kind of place."""

    name: str
    schemes: tuple[str, ...]
    open: Open
