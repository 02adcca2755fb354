"""Who is told what a build does."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from pipeline.engine.watch import Watch
from pipeline.search.watch import Screen

if TYPE_CHECKING:
    from pipeline.engine.graph import Node


class Progress(Watch, Screen, Protocol):
    """Where events of a build go."""

    def note(self, text: str) -> None:
        """What a config does that its author may not expect."""

    def stored(self, steps: list[str]) -> None:
        """Every step of a build came from the store."""

    def of(self, total: int, nodes: Collection[Node] = ()) -> AbstractContextManager[None]:
        """For the time of one build of ``total`` steps, which are ``nodes`` where it is a plan."""
