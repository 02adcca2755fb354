"""``memory://``: what is published lives as long as the process, for tests and notebooks."""

from __future__ import annotations

import threading

from pipeline.storage.base import Content
from pipeline.storage.kind import StorageKind
from pipeline.storage.remote import RemoteStorage

_ONE_AT_A_TIME = threading.Lock()


class MemoryStorage(RemoteStorage):
    """Nobody else can write there, so comparing and swapping needs no more than a lock."""

    swaps = True

    def swap(self, path: str, data: bytes, expected: Content | None) -> bool:
        with _ONE_AT_A_TIME:
            return super().swap(path, data, expected)


KIND = StorageKind("memory", ("memory",), MemoryStorage)
