"""Work that fills idle cores, and stands still while something is timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext

#: Longer than any piece takes; a process that was killed within one never ends it.
LONGEST_PIECE_S = 5.0
_LOOK_S = 0.02


class Background:
    """What the processes of a build share: whether pieces may begin, and how many have."""

    def __init__(self, context: BaseContext) -> None:
        self._held = context.Event()
        self._begun = context.Value("i", 0)

    @contextmanager
    def piece(self) -> Iterator[None]:
        """For one piece, in whichever process and thread: wait until it may begin."""
        while True:
            with self._begun.get_lock():
                if not self._held.is_set():
                    self._begun.value += 1
                    break
            time.sleep(_LOOK_S)
        try:
            yield
        finally:
            with self._begun.get_lock():
                self._begun.value -= 1

    def hold(self) -> None:
        """Let no piece begin, and wait for those that have."""
        with self._begun.get_lock():
            self._held.set()
        deadline = time.monotonic() + LONGEST_PIECE_S
        while self._begun.value > 0 and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def go_on(self) -> None:
        """Let pieces begin again."""
        self._held.clear()
