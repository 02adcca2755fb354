"""A bar at the end of a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class Bar:
    """How much of something is done; threads may share it."""

    def __init__(self, label: str = "", *, shown: bool = True) -> None:
        self._label, self._shown = label, shown and sys.stderr.isatty()
        self._progress: Any = None
        self._task: Any = None

    def of(self, total_bytes: int) -> None:
        """Begin with bytes. ``rich`` is imported only if there is a wait."""
        if not self._shown or not total_bytes:
            return
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

        text = TextColumn("{task.description}")
        columns = (text, BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn())
        self._start(total_bytes, *columns)

    def begin(self, total: float) -> None:
        """Begin with what has no unit: seconds, or a part of one."""
        if not self._shown:
            return
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        text = TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1))
        columns = (SpinnerColumn(), BarColumn(bar_width=20), TimeElapsedColumn(), text)
        self._start(total, *columns, expand=True)

    def _start(self, total: float, *columns: Any, expand: bool = False) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, expand=expand)
        self._task = self._progress.add_task(self._label, total=total)
        self._progress.start()

    def advance(self, count: int) -> None:
        """So many more are done."""
        if self._progress is not None:
            self._progress.advance(self._task, count)

    def update(self, done: float, label: str) -> None:
        """So many are done, and this is what is done now."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, description=label)

    def print(self, text: str) -> None:
        """A line above it."""
        if self._progress is None:
            click.echo(text, err=True)
            return
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(text), soft_wrap=True)

    def stop(self) -> None:
        """Take it off the terminal."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


@contextmanager
def open_bar(label: str = "", *, shown: bool = True) -> Iterator[Bar]:
    """A bar on standard error until the end of the ``with``, where a person watches."""
    bar = Bar(label, shown=shown)
    try:
        yield bar
    finally:
        bar.stop()
