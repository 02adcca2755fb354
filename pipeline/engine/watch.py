"""Who is told what a run does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.engine.step import Lane

if TYPE_CHECKING:
    from pipeline.engine.graph import Node


State = Literal["start", "done", "stored", "failed"]

#: Called with the share done (0 to 1) of a lane's step, a note and the lane; a download has none.
OnProgress = Callable[[float, str, Lane], None]


class Watch(Protocol):
    """Is told of every step of a run."""

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        """A step's state changed; the seconds are those that it ran."""

    def on_progress(self, fraction: float, note: str, lane: Lane) -> None:
        """How much is done of what runs in a lane, or of a download, which has none."""


class Silent:
    """Tells nobody."""

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        return

    def on_progress(self, fraction: float, note: str, lane: Lane) -> None:
        return


@dataclass(frozen=True)
class Part:
    """Tells of some events, and of all progress."""

    watch: Watch
    tells_of: Callable[[State, Node], bool]

    def on_event(self, state: State, node: Node, seconds: float) -> None:
        if self.tells_of(state, node):
            self.watch.on_event(state, node, seconds)

    def on_progress(self, fraction: float, note: str, lane: Lane) -> None:
        self.watch.on_progress(fraction, note, lane)
