"""What a build shows while it runs: one line a step, what came from the store, and what runs.

A build with nothing to do is over before a person notices that it began: what only a wait needs
is imported when there is one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.live import Heartbeat, LiveLines, Now

if TYPE_CHECKING:
    from pipeline.engine.graph import Node
    from pipeline.engine.watch import State
    from pipeline.search.trial import Job
    from pipeline.search.watch import TrialWatch


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

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        self._write(progress=round(fraction, 4), note=note)

    def note(self, text: str) -> None:
        self._write(note=text)

    def stored(self, steps: list[str]) -> None:
        for step in steps:
            self._write(step=step, state="stored", seconds=0.0)

    def of(self, total: int, nodes: Collection[Node] = ()) -> AbstractContextManager[None]:
        return nullcontext()

    def search(self, job: Job) -> AbstractContextManager[TrialWatch]:
        from pipeline.cli import show_search

        return nullcontext(show_search.Json(job))

    def _write(self, **event: Any) -> None:
        click.echo(json.dumps(event), err=True)


class Lines:
    """A line for each step that ended, and below them, on a terminal, what runs now.

    Args:
        times: where the seconds of steps are kept, for estimates.
    """

    def __init__(self, times: Path | None = None) -> None:
        self._times = times
        self._now = Now()
        self._live: LiveLines | None = None
        self._heart: Heartbeat | None = None

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        if state == "start":
            self._now.begin(node)
            self._watch()
            return
        self._now.end(node.id, seconds if state == "done" else None)
        self._print(line(state, node.id, seconds))

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        self._now.report(lane, fraction, note)
        self._watch()

    def note(self, text: str) -> None:
        click.echo(f"{click.style('note', fg='yellow')} {text}", err=True)

    def stored(self, steps: list[str]) -> None:
        for step in steps:
            click.echo(line("stored", step, 0.0), err=True)

    @contextmanager
    def of(self, total: int, nodes: Collection[Node] = ()) -> Iterator[None]:
        from pipeline.build import remaining

        step_times = remaining.read(self._times) if self._times else {}
        expected = remaining.Remaining(nodes, step_times)
        self._now = Now(total, expected if nodes else None)
        try:
            yield
        finally:
            for shown in (self._live, self._heart):
                if shown is not None:
                    shown.stop()
            self._live = self._heart = None
            if self._times:
                remaining.write(self._times, step_times, expected.taken)

    def search(self, job: Job) -> AbstractContextManager[TrialWatch]:
        from pipeline.cli import show_search

        return show_search.lines(job)

    def _print(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text)
        else:
            click.echo(text, err=True)
        if self._heart is not None:
            self._heart.beat()

    def _watch(self) -> None:
        """Show what runs, now that there is something to wait for."""
        if sys.stderr.isatty():
            if self._live is None:
                self._live = LiveLines(self._now)
        elif self._heart is None:
            self._heart = Heartbeat(self._now)
