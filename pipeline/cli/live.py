"""What runs now: a moving line for each lane on a terminal, a heartbeat in a log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeline.build.remaining import Remaining
    from pipeline.engine.graph import Node

#: A log hears of what runs after so many seconds without a line.
HEARTBEAT_S = 30.0


@dataclass
class RunningStep:
    """A step that runs."""

    step: str
    began: float
    fraction: float | None = None
    note: str = ""

    def in_words(self) -> str:
        """How far it is, in words."""
        share = "" if self.fraction is None else f"{self.fraction:.0%} "
        return f"{share}{self.note}".strip()


@dataclass
class Now:
    """What a build does at this moment; threads may share it."""

    total: int = 0
    remaining: Remaining | None = None
    ended: int = 0
    began: float = field(default_factory=time.monotonic)
    lanes: dict[str, RunningStep] = field(default_factory=dict)
    """Lane -> what runs there; what is fetched before the steps has no lane."""

    def begin(self, node: Node) -> None:
        self.lanes.pop("", None)
        self.lanes[node.lane or node.function.lane] = RunningStep(node.id, time.monotonic())

    def end(self, step: str, seconds: float | None) -> None:
        self.ended += 1
        self.lanes = {lane: running for lane, running in self.lanes.items() if running.step != step}
        if self.remaining is not None:
            self.remaining.end(step, seconds)

    def report(self, lane: str, fraction: float, note: str) -> None:
        running = self.lanes.setdefault(lane, RunningStep("", time.monotonic()))
        running.fraction, running.note = min(1.0, max(0.0, fraction)), note

    def left_s(self) -> float | None:
        """Seconds that the build will still take; ``None`` where nothing tells."""
        if self.remaining is None or not self.total:
            return None
        now = time.monotonic()
        return self.remaining.seconds(
            {running.step: now - running.began for running in self.lanes.values()}
        )


def clock(seconds: float) -> str:
    """``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def estimate(left_s: float | None) -> str:
    """``about 1:20 left``, in steps of five seconds, which say that it is no promise."""
    if left_s is None:
        return ""
    return "nearly done" if left_s < 5 else f"about {clock(5 * round(left_s / 5))} left"


class LiveLines:
    """A line for each lane at the end of the terminal, and one for the whole."""

    def __init__(self, now: Now) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._now = now
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            get_renderable=self._render,
            console=Console(stderr=True),
            transient=True,
            refresh_per_second=5,
        )
        self._live.start()

    def print(self, text: str) -> None:
        """A line above."""
        from rich.text import Text

        self._live.console.print(Text.from_ansi(text), soft_wrap=True)

    def stop(self) -> None:
        """Take it off the terminal."""
        self._live.stop()

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        lanes = Table.grid(padding=(0, 1), expand=True)
        lanes.add_column(width=1)
        lanes.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
        lanes.add_column(no_wrap=True, overflow="ellipsis", ratio=2, style="dim")
        lanes.add_column(justify="right", no_wrap=True, min_width=5, style="dim")
        now = time.monotonic()
        for lane, running in sorted(self._now.lanes.items()):
            clocked = clock(now - running.began)
            lanes.add_row(
                self._spinner, running.step or lane or "fetching", running.in_words(), clocked
            )
        return Group(lanes, self._render_whole(now))

    def _render_whole(self, now: float) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        whole = Table.grid(padding=(0, 1))
        done = f"{self._now.ended} of {self._now.total} steps"
        took = f"{clock(now - self._now.began)} so far"
        said = ", ".join(filter(None, [done, took, estimate(self._now.left_s())]))
        whole.add_row(ProgressBar(total=self._now.total or 1, completed=self._now.ended, width=20),
                      said)  # fmt: skip
        return whole


class Heartbeat:
    """A plain line now and then, so that a log shows that a long step still runs."""

    def __init__(self, now: Now, every_s: float = HEARTBEAT_S) -> None:
        self._now, self._every_s = now, every_s
        self._last, self._over = time.monotonic(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def beat(self) -> None:
        """Something else was printed."""
        self._last = time.monotonic()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(min(1.0, self._every_s / 4)):
            if time.monotonic() - self._last >= self._every_s and self._now.lanes:
                self.beat()
                click.echo(self._line(), err=True)

    def _line(self) -> str:
        now = time.monotonic()
        running = [
            " ".join(
                filter(
                    None,
                    [
                        running.step or lane or "fetching",
                        clock(now - running.began),
                        running.in_words(),
                    ],
                )
            )
            for lane, running in sorted(self._now.lanes.items())
        ]
        return "; ".join([*running, *filter(None, [estimate(self._now.left_s())])])
