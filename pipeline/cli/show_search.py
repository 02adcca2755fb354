"""What a search shows while it runs, and the config that pins what it found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.bar import Bar
from pipeline.measures import words
from pipeline.search.outcome import Outcome, Trial
from pipeline.search.text import figure, flow, gives, pinned_config, quality

if TYPE_CHECKING:
    from pipeline.engine.graph import Node
    from pipeline.engine.watch import State
    from pipeline.search.trial import Job

#: Columns of a recipe in a trial's line, and of all that stands beside it.
NARROWEST, BESIDE = 28, 44


def outcome_in_words(outcome: Outcome) -> str:
    """What a search came to, and how to pin it."""
    best = outcome.best
    head = (
        f"{outcome.variant}: {words.count(len(outcome.trials), 'candidate')} tried in "
        f"{_minutes(outcome.spent)}, "
        f"each on {outcome.held_back} held-back samples; {outcome.stopped}"
    )
    if best is None:
        return head
    answer = f"found {click.style(flow(best.recipe), bold=True)}: {gives(outcome, best)}"
    pin = "\n".join(f"  {line}" for line in pinned_config(outcome).splitlines())
    return f"{head}\n{answer}\nto pin it, write:\n{pin}"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


class Json:
    """One JSON object a line on standard error."""

    def __init__(self, job: Job) -> None:
        self._variant = job.variant

    def begin(self, number: int, recipe: Mapping[str, Any]) -> None:
        return

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None:
        self._write(trial=number, best=trial is best, **vars(trial))

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        return

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        return

    def found(self, outcome: Outcome) -> None:
        self._write(**outcome.summary(), stopped=outcome.stopped)

    def _write(self, **event: Any) -> None:
        click.echo(json.dumps({"search": self._variant, **event}), err=True)


class SearchLines:
    """A line a trial, and below them the best so far, where the terminal can show it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._bar = Bar()
        self._began, self._spent = monotonic(), 0.0
        self._number, self._best, self._now = 0, "", ""

    def start(self) -> None:
        """Say what is searched for."""
        job = self._job
        what = {"wire_bytes": "fewest bytes on the wire", "bytes": "fewest bytes"}
        least = what.get(job.search.minimize, "shortest time")
        where = f"{', '.join(job.formats)} on {', '.join(job.targets)}"
        text = f"searching {job.variant}: {least} in {where}, {job.search.minutes:g} min"
        self._bar.print(text)
        self._bar.begin(job.search.minutes * 60)

    def stop(self) -> None:
        self._bar.stop()

    def begin(self, number: int, recipe: Mapping[str, Any]) -> None:
        self._number, self._now, self._began = number, flow(recipe), monotonic()
        self._update("")

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None:
        self._spent = spent
        if trial is best:
            self._best = f"best {figure(self._job.search.minimize, trial.value)}, "
        self._bar.print(self.line(number, trial, best))
        self._now = ""
        self._update("")

    def line(self, number: int, trial: Trial, best: Trial | None) -> str:
        """What a person reads of a trial that ended."""
        mark, colour = ("★", "yellow") if trial is best else ("✓", "green")
        mark, colour = (mark, colour) if trial.feasible else ("✗", "red")
        width = max(NARROWEST, get_terminal_size().columns - BESIDE)
        recipe = _cut(flow(trial.recipe) if trial.recipe else "float32", width).ljust(width)
        if trial.error:
            return f"{click.style('✗', fg='red')} {number:>3} {recipe} {trial.error}"
        numbers = f"{figure(self._job.search.minimize, trial.value):>9}"
        numbers += f" {quality(trial.metric, trial.quality):>8}"
        short = ", ".join(dict.fromkeys(miss.metric for miss in trial.misses()))
        lacking = f"  {short}" if short else ""
        shown = f"{click.style(mark, fg=colour)} {number:>3} {recipe} {numbers}"
        return f"{shown} {click.style(f'{trial.seconds:6.1f} s{lacking}', dim=True)}"

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        if state == "start":
            self._update(node.id)

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        self._update(f"{note} {fraction:.0%}" if note else "")

    def found(self, outcome: Outcome) -> None:
        self.stop()
        click.echo(outcome_in_words(outcome), err=True)

    def _update(self, note: str) -> None:
        spent = self._spent + (monotonic() - self._began if self._now else 0.0)
        trial = f"{self._best}trial {self._number}" if self._number else "float32 first"
        said = " ".join(part for part in (trial, _cut(self._now, 40), note) if part)
        self._bar.update(spent, said)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


@contextmanager
def lines(job: Job) -> Iterator[SearchLines]:
    """Show a search to a person."""
    shown = SearchLines(job)
    shown.start()
    try:
        yield shown
    finally:
        shown.stop()
