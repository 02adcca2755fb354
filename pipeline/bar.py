"""A bar of bytes on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class BytesBar:
    """How many of a number of bytes are done; threads may share it."""

    def __init__(self, bars: Any, label: str) -> None:
        self._bars, self._label = bars, label
        self._task: Any = None

    def of(self, total_bytes: int) -> None:
        """Begin, now that the total is known."""
        if self._bars is not None:
            self._task = self._bars.add_task(self._label, total=total_bytes)

    def advance(self, count: int) -> None:
        """So many bytes more are done."""
        if self._task is not None:
            self._bars.advance(self._task, count)

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """So many more of all of them are done."""
        if self._task is None:
            self.of(total_bytes)
        self.advance(done_bytes)


@contextmanager
def bytes_bar(label: str, *, shown: bool = True) -> Iterator[BytesBar]:
    """A bar on standard error until the end of the ``with``, where a person watches."""
    if not shown or not sys.stderr.isatty():
        yield BytesBar(None, label)
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
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bars:
        yield BytesBar(bars, label)
