"""Publishers and a clean-up beside each other, in a place that has no locks.

A publisher puts up a flag, then looks for a clean-up's; a clean-up puts up its flag, then looks for
publishers'. Whatever the order of these four, at least one of them sees the other: the publisher
waits, the clean-up gives up. Publishers do not exclude each other.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.base.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.storage.base import Storage

PUBLISHING, CLEANING = ".publishing", ".cleaning"

#: A clean-up works no longer than this, so that a flag that is older was left by one that was
#: killed; publishers allow twice as long, for clocks that differ.
CLEANING_SECONDS = 300.0
POLL_SECONDS = 1.0


@contextmanager
def publishing(storage: Storage) -> Iterator[None]:
    """For the time of a publication."""
    flag = f"{PUBLISHING}/{secrets.token_hex(8)}"
    storage.write(flag, b"")
    try:
        # Some that speak S3 ignore conditions: they write what is there already once more.
        storage.swaps = storage.swaps and not storage.swap(flag, b"", None)
        while _cleaned(storage):
            time.sleep(POLL_SECONDS)
        yield
    finally:
        storage.remove([flag])


def _cleaned(storage: Storage) -> bool:
    """Whether a clean-up is at work."""
    content = storage.read(CLEANING)
    return content is not None and time.time() < float(content.data) + 2 * CLEANING_SECONDS


@contextmanager
def cleaning(storage: Storage, grace_seconds: float) -> Iterator[None]:
    """For the time of a clean-up, which must not last longer than ``CLEANING_SECONDS``.

    Raises:
        PipelineError: somebody publishes, or cleans up, now.
    """
    if _cleaned(storage) or not storage.swap(
        CLEANING, str(time.time()).encode(), storage.read(CLEANING)
    ):
        raise PipelineError(
            "another clean-up is at work", where=storage.where, todo="try again later"
        )
    try:
        _refuse_publishers(storage, grace_seconds)
        yield
    finally:
        storage.remove([CLEANING])


def _refuse_publishers(storage: Storage, grace_seconds: float) -> None:
    flags = storage.walk(PUBLISHING)
    killed = [path for path, flag in flags.items() if time.time() - flag.modified > grace_seconds]
    if len(killed) < len(flags):
        raise PipelineError(
            "a publisher is at work there, or was killed lately",
            where=storage.where,
            todo="try again later; --grace-hours says how long a publisher may take",
        )
    storage.remove(killed)
