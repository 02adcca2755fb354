"""Who may run on one machine: many at a time, or one that is timed, alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: What is timed lets others go first for so many seconds: they make what yet others wait for.
YIELDS_S = 20.0


class Turns:
    """Hands out turns to threads."""

    def __init__(self, yields_s: float = YIELDS_S) -> None:
        self._changed = threading.Condition()
        self._running, self._alone = 0, False
        self._others = 0
        """How many wait that need not be alone."""
        self._yields_s = yields_s
        self._overdue = 0
        """How many that are to be alone have waited for too long."""

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn, and have it until the end of the ``with``."""
        with self._changed:
            if alone:
                self._wait_alone()
                self._alone = True
            else:
                self._others += 1
                self._changed.wait_for(lambda: not self._alone and not self._overdue)
                self._others -= 1
                self._running += 1
        try:
            yield
        finally:
            with self._changed:
                if alone:
                    self._alone = False
                else:
                    self._running -= 1
                self._changed.notify_all()

    def _wait_alone(self) -> None:
        def is_free() -> bool:
            return not self._alone and not self._running

        deadline = time.monotonic() + self._yields_s
        while not (is_free() and not self._others):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)
        else:
            return
        self._overdue += 1
        self._changed.wait_for(is_free)
        self._overdue -= 1
        self._changed.notify_all()
