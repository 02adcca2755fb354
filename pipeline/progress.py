"""What a build shows while it runs: one line a step, and what came from the store.

``rich`` is imported only when there is something to wait for, so that a build
with nothing to do is over before a person notices that it began.
"""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

if TYPE_CHECKING:
    from pipeline.plan import Node
    from pipeline.run import State


class Progress(Protocol):
    """Where events of a build go."""

    def on_event(self, state: State, node: Node, seconds: float) -> None: ...

    def on_progress(self, fraction: float, note: str) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


MARKS = {"done": ("✓", "green"), "stored": ("·", None), "failed": ("✗", "red")}


def line(state: State, step: str, seconds: float) -> str:
    """What a person reads of a step that ended."""
    mark, colour = MARKS[state]
    time = {"stored": "from the store", "failed": ""}.get(state, f"{seconds:.1f} s")
    return f"{click.style(mark, fg=colour)} {step:<44} {click.style(time, dim=True)}"


def tell_stored(steps: list[str], as_json: bool) -> None:
    """Say that every step of a build came from the store."""
    for step in steps:
        event = {"step": step, "state": "stored", "seconds": 0.0}
        click.echo(json.dumps(event) if as_json else line("stored", step, 0.0), err=True)


class JsonLines:
    """One JSON object a line on standard error, for machines."""

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        self._write(step=node.id, state=state, seconds=round(seconds, 3))

    def on_progress(self, fraction: float, note: str) -> None:
        self._write(progress=round(fraction, 4), note=note)

    def _write(self, **event: Any) -> None:
        click.echo(json.dumps(event), err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Lines:
    """Lines for people, with a moving one at the end where the terminal can show it."""

    def __init__(self, total: int) -> None:
        self._total, self._ended, self._stored = total, 0, 0
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
        self._stored += state == "stored"
        mark, colour = {"done": ("✓", "green"), "stored": ("·", None), "failed": ("✗", "red")}[
            state
        ]
        time = {"stored": "from the store", "failed": ""}.get(state, f"{seconds:.1f} s")
        self._print(f"{click.style(mark, fg=colour)} {node.id:<44} {click.style(time, dim=True)}")
        self._update(0.0, "")

    def on_progress(self, fraction: float, note: str) -> None:
        self._update(fraction, note)

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
            running = ", ".join(self._running)
            shown = f"{note} {fraction:.0%}" if note else running
            self._live.update(self._task, completed=self._ended + fraction, description=shown)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        self._live = Bars(*columns, console=Console(stderr=True), transient=True)
        self._task = self._live.add_task("", total=self._total, completed=self._ended)
        self._live.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
