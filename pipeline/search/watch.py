"""Who watches a search: what it is told of each trial and step."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from pipeline.config.change import Recipe
from pipeline.engine import watch
from pipeline.search.outcome import Outcome, Trial

if TYPE_CHECKING:
    from pipeline.search.trial import Job


class TrialWatch(watch.Watch, Protocol):
    """Is told of every trial of a search, and of every step of each."""

    def begin(self, number: int, recipe: Recipe) -> None: ...

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None: ...

    def found(self, outcome: Outcome) -> None: ...


class Screen(Protocol):
    """Where searches are shown."""

    def search(self, job: Job) -> AbstractContextManager[TrialWatch]:
        """For the time of one search."""


class SilentSearch(watch.Silent):
    """Tells nobody."""

    def begin(self, number: int, recipe: Recipe) -> None:
        return

    def end(self, number: int, trial: Trial, best: Trial | None, spent: float) -> None:
        return

    def found(self, outcome: Outcome) -> None:
        return
