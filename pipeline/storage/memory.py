"""``memory://``: what is published lives as long as the process, for tests and notebooks."""

from __future__ import annotations

import threading

from pipeline.storage.base import Content
from pipeline.storage.patience import Patience
from pipeline.storage.remote import RemoteStorage

SCHEMES = ("memory",)

_ONE_AT_A_TIME = threading.Lock()


def open_url(url: str, patience: Patience | None = None) -> MemoryStorage:
    """The memory that all of the process shares."""
    return MemoryStorage(url, patience=patience)


class MemoryStorage(RemoteStorage):
    """Nobody else can write there, so comparing and swapping needs no more than a lock."""

    swaps = True

    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        with _ONE_AT_A_TIME:
            return super().swap(path, data, expected)
