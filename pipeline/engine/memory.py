"""Gives memory back between steps: a process of steps lives as long as a build."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

#: A process that holds less keeps what it has freed, since the next step asks for it again.
MUCH_BYTES = 2**30


def give_back() -> None:
    """Let go of what nothing uses any more, where the process holds much."""
    if _held_bytes() < MUCH_BYTES:
        return
    gc.collect()
    # Only the GNU C library has it.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _held_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell it so."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
