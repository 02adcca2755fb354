"""Who watches a search: what it is told of each trial and step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from pipeline.search.outcome import Outcome, Trial
from pipeline.search.space import Recipe

if TYPE_CHECKING:
    from pipeline.engine.graph import Node
    from pipeline.engine.lanes.local import LocalLanes
    from pipeline.engine.schedule import State
    from pipeline.search.trial import Job


class Watch(Protocol):
    """Who watches a search."""

    def begin(self, number: int, recipe: Recipe) -> None: ...

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None: ...

    def on_event(self, state: State, node: Node, seconds: float) -> None: ...

    def on_progress(self, fraction: float, note: str, lane: str = "") -> None: ...


class Shown(Watch, Protocol):
    """Who watches a search and tells what it found."""

    def found(self, outcome: Outcome) -> Outcome: ...


class Screen(Protocol):
    """Where searches are shown."""

    def search(self, job: Job) -> AbstractContextManager[Shown]:
        """For the time of one search."""


class Silent:
    """Nobody does."""

    def begin(self, number: int, recipe: Recipe) -> None:
        return

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None:
        return

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        return

    def on_progress(self, fraction: float, note: str, lane: str = "") -> None:
        return


@contextmanager
def showing(lanes: LocalLanes, watch: Watch) -> Iterator[None]:
    """Let a search's watch see what its steps report."""
    before, lanes.on_progress = lanes.on_progress, watch.on_progress
    try:
        yield
    finally:
        lanes.on_progress = before
