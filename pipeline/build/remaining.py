"""How long a build will still take, by what its steps took before."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.files import write_aside

if TYPE_CHECKING:
    from pipeline.engine.graph import Node

#: Kind of step -> seconds, for a first build: the bundled model's on two cores.
TYPICAL = {
    **{"pull": 0.3, "freeze": 3, "samples": 1, "convert": 2, "int8": 2, "golden": 2, "ranges": 1},
    **{"prove": 4, "half": 4, "compress": 1.5, "runtime": 1, "assets": 2, "bundle": 1, "demo": 1},
    **{"qat": 60, "distill": 40, "channels": 30, "prune": 30, "cluster": 30, "round": 20},
    **{"read": 1},
}
OTHERS = 0.2
#: A machine is taken to be so many times as slow or fast as the recorded one, at most.
SLOWEST, FASTEST = 10.0, 0.2
#: Seconds done before they say how fast this machine is.
TELLING_S = 5.0
#: Steps whose time is kept, the latest of all builds in a store.
KEPT = 500


class Remaining:
    """Expects each step to take what it took last time, at the pace of those done by now."""

    def __init__(self, nodes: Collection[Node], known: Mapping[str, float]) -> None:
        self._expected = {node.id: known.get(node.id, typical(node.id)) for node in nodes}
        self._alone = {node.id for node in nodes if node.function.alone}
        self._lanes = {node.id: node.lane or node.function.lane for node in nodes}
        self._done_s = self._done_expected_s = 0.0
        self.taken: dict[str, float] = {}
        """Step -> its seconds in this build."""

    def end(self, step: str, seconds: float | None) -> None:
        """A step is over: ``None`` if it did not have to run."""
        expected = self._expected.pop(step, 0.0)
        if seconds is not None:
            self.taken[step] = seconds
            self._done_s += seconds
            self._done_expected_s += expected

    def seconds(self, running: Mapping[str, float]) -> float:
        """An estimate of what remains: lanes go side by side, and what is timed by itself.

        Args:
            running: step -> seconds since it began.
        """
        pace = 1.0
        if self._done_expected_s > TELLING_S:
            pace = min(SLOWEST, max(FASTEST, self._done_s / self._done_expected_s))
        alone, lanes = 0.0, dict.fromkeys(self._lanes.values(), 0.0)
        for step, expected in self._expected.items():
            left = max(0.0, expected * pace - running.get(step, 0.0))
            if step in self._alone:
                alone += left
            else:
                lanes[self._lanes[step]] += left
        return alone + max(lanes.values(), default=0.0)


def typical(step: str) -> float:
    """Seconds of a step that nobody has timed yet."""
    return TYPICAL.get(step.split(maxsplit=1)[0], OTHERS)


def read(path: Path) -> dict[str, float]:
    """Step -> seconds, as builds in this store took."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return {str(step): float(took) for step, took in json.loads(path.read_text()).items()}
    return {}


def write(path: Path, known: Mapping[str, float], taken: Mapping[str, float]) -> None:
    """Keep the latest times beside those of before."""
    if not taken:
        return
    merged = {step: took for step, took in known.items() if step not in taken} | dict(taken)
    newest = dict(list(merged.items())[-KEPT:])
    with suppress(OSError):  # an estimate is worth no failure
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, json.dumps(newest), lasting=False)
