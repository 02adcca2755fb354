"""A bar of bytes on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class BytesBar:
    """How many of a number of bytes are done; threads may share it."""

    def __init__(self, label: str, shown: bool) -> None:
        self._label, self._shown = label, shown
        self._bars: Any = None
        self._task: Any = None

    def of(self, total_bytes: int) -> None:
        """Begin, now that the total is known. ``rich`` is imported only if there is a wait."""
        if not self._shown or not total_bytes:
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn())
        self._bars = Progress(
            *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
        )
        self._task = self._bars.add_task(self._label, total=total_bytes)
        self._bars.start()

    def advance(self, count: int) -> None:
        """So many bytes more are done."""
        if self._bars is not None:
            self._bars.advance(self._task, count)

    def stop(self) -> None:
        """Take it off the terminal."""
        if self._bars is not None:
            self._bars.stop()


@contextmanager
def bytes_bar(label: str, *, shown: bool = True) -> Iterator[BytesBar]:
    """A bar on standard error until the end of the ``with``, where a person watches."""
    bar = BytesBar(label, shown and sys.stderr.isatty())
    try:
        yield bar
    finally:
        bar.stop()
