"""What a build shows while it runs: one line a step, and what came from the store.

``rich`` is imported only when there is something to wait for, so that a build
with nothing to do is over before a person notices that it began.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from pipeline.plan import Node
    from pipeline.run import State
    from pipeline.search import show as searches
    from pipeline.search.trial import Job


class Progress(Protocol):
    """Where events of a build go."""

    def on_event(self, state: State, node: Node, seconds: float) -> None: ...

    def on_progress(self, fraction: float, note: str) -> None: ...

    def stored(self, steps: list[str]) -> None:
        """Every step of a build came from the store."""

    def of(self, total: int) -> AbstractContextManager[None]:
        """For the time of one build of ``total`` steps."""

    def search(self, job: Job) -> AbstractContextManager[searches.Shown]:
        """For the time of one search."""


MARKS = {"done": ("✓", "green"), "stored": ("·", None), "failed": ("✗", "red")}


def line(state: State, step: str, seconds: float) -> str:
    """What a person reads of a step that ended."""
    mark, colour = MARKS[state]
    time = {"stored": "from the store", "failed": ""}.get(state, f"{seconds:.1f} s")
    return f"{click.style(mark, fg=colour)} {step:<44} {click.style(time, dim=True)}"


class JsonLines:
    """One JSON object a line on standard error, for machines."""

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        self._write(step=node.id, state=state, seconds=round(seconds, 3))

    def on_progress(self, fraction: float, note: str) -> None:
        self._write(progress=round(fraction, 4), note=note)

    def stored(self, steps: list[str]) -> None:
        for step in steps:
            self._write(step=step, state="stored", seconds=0.0)

    def of(self, total: int) -> AbstractContextManager[None]:
        return nullcontext()

    def search(self, job: Job) -> AbstractContextManager[searches.Shown]:
        from pipeline.search import show

        return nullcontext(show.Json(job))

    def _write(self, **event: Any) -> None:
        click.echo(json.dumps(event), err=True)


class Lines:
    """Lines for people, with a moving one at the end where the terminal can show it."""

    def __init__(self) -> None:
        self._total, self._ended = 0, 0
        self._running: dict[str, None] = {}
        self._live: Any = None
        self._task: Any = None

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        if state == "start":
            self._running[node.id] = None
            self._update(0.0, "")
            return
        self._running.pop(node.id, None)
        self._ended += 1
        self._print(line(state, node.id, seconds))
        self._update(0.0, "")

    def on_progress(self, fraction: float, note: str) -> None:
        self._update(fraction, note)

    def stored(self, steps: list[str]) -> None:
        for step in steps:
            click.echo(line("stored", step, 0.0), err=True)

    @contextmanager
    def of(self, total: int) -> Iterator[None]:
        self._total, self._ended, self._running = total, 0, {}
        try:
            yield
        finally:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def search(self, job: Job) -> AbstractContextManager[searches.Shown]:
        from pipeline.search import show

        return show.lines(job)

    def _print(self, text: str) -> None:
        if self._live is None:
            click.echo(text, err=True)
        else:
            from rich.text import Text

            self._live.console.print(Text.from_ansi(text), soft_wrap=True)

    def _update(self, fraction: float, note: str) -> None:
        if self._live is None and sys.stderr.isatty():
            self._start()
        if self._live is not None:
            first, *others = [*self._running, ""]
            waiting = f" (+{len(others) - 1})" if len(others) > 1 else ""
            shown = f"{note} {fraction:.0%}" if note else f"{first}{waiting}"
            self._live.update(self._task, completed=self._ended + fraction, description=shown)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        columns = (
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
        )
        self._live = Bars(*columns, console=Console(stderr=True), transient=True)
        self._task = self._live.add_task("", total=self._total, completed=self._ended)
        self._live.start()
