"""What a search tried and found. Nothing here needs more than the standard library to be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.measures.metrics import metric_of
from pipeline.measures.miss import Miss

RESULT = "search.json"

#: How many candidates an error names, and a manifest holds of the front.
NEAREST, FRONT = 3, 12


@dataclass(frozen=True)
class Trial:
    """One candidate, measured on held-back samples."""

    recipe: dict[str, Any]
    seconds: float
    value: float | None = None
    """What is minimized: bytes, or the ratio to float32's time; ``None`` where it failed."""
    low: float | None = None
    high: float | None = None
    """The confidence interval of a ratio."""
    quality: float | None = None
    """The value of ``metric``."""
    metric: str = ""
    """What ``quality`` is: the task's metric, its agreement with the source, or ``snr_db``."""
    missed: list[dict[str, Any]] = field(default_factory=list)
    """Bounds that it did not keep, as ``Miss``."""
    error: str = ""
    """Why it could not be made, run or timed."""
    lasting: bool = False
    """Whether it would fail again; what else failed may have failed by chance."""

    @property
    def feasible(self) -> bool:
        return self.value is not None and not self.missed

    @property
    def shortfall(self) -> float:
        """By how much bounds are missed, all together: 1 is a bound missed by its own size."""
        return sum(map(shortfall, self.misses()))

    def misses(self) -> list[Miss]:
        return [Miss(**miss) for miss in self.missed]


def shortfall(miss: Miss) -> float:
    """By how much a bound is missed, as a share of the bound.

    Of a share that must be near 1, such as an agreement, as a share of what it leaves open.
    """
    if miss.value is None:
        return 1.0
    floor = metric_of(miss.metric).is_floor
    scale = 1 - miss.bound if floor and 0 < miss.bound < 1 else abs(miss.bound)
    return abs(miss.value - miss.bound) / max(scale, 1e-3)


@dataclass(frozen=True)
class Outcome:
    """A whole search."""

    variant: str
    minimize: str
    formats: list[str]
    targets: list[str]
    keep: dict[str, float]
    minutes: float
    held_back: int
    """Samples that every candidate was measured on."""
    trials: list[Trial]
    stopped: str
    """Why no more was tried."""
    seed: int = 0
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the search adds to ``validate.gates``."""
    export: dict[str, list[str]] = field(default_factory=dict)
    """Other formats, and the variants that are left to each."""

    @property
    def settled(self) -> bool:
        """Whether another search would try the same: nothing failed by chance."""
        return all(trial.lasting for trial in self.trials if trial.error)

    @property
    def best(self) -> Trial | None:
        """The smallest or fastest that keeps every bound; among equals the better, then simpler."""
        return best_of(self.trials)

    @property
    def metric(self) -> str:
        """What ``Trial.quality`` is."""
        return self.trials[0].metric

    @property
    def lost(self) -> str:
        """The task's metric, where that is what is measured."""
        return self.metric if metric_of(self.metric).of == "truth" else ""

    @property
    def spent(self) -> float:
        return sum(trial.seconds for trial in self.trials)

    def front(self) -> list[Trial]:
        """Those of which none is both better and smaller (or faster), smallest first."""
        front: list[Trial] = []
        for trial in sorted(_with_value(self.trials), key=_rank):
            if not front or _quality(trial) > _quality(front[-1]):
                front.append(trial)
        return front

    def nearest(self) -> list[Trial]:
        """The candidates that miss the bounds by least."""
        return sorted(_with_value(self.trials), key=lambda t: (t.shortfall, t.value))[:NEAREST]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """What the users of a release may want to know: few bytes in a manifest."""
        best = self.best
        fields = ("value", "quality", "recipe")
        front = [{name: getattr(t, name) for name in fields} for t in self.front()[:FRONT]]
        return {
            "variant": self.variant,
            "minimize": self.minimize,
            "on": self.targets,
            "keep": self.keep,
            "tried": len(self.trials),
            "seconds": round(self.spent, 1),
            "metric": self.metric,
            "recipe": best.recipe if best else None,
            "front": front,
        }


def from_json(data: Mapping[str, Any]) -> Outcome:
    """Back from ``Outcome.to_json``."""
    return Outcome(**{**data, "trials": [Trial(**trial) for trial in data["trials"]]})


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The smallest or fastest of those that keep every bound."""
    return min((trial for trial in trials if trial.feasible), key=_rank, default=None)


def base_of(trials: Sequence[Trial]) -> Trial | None:
    """What to go on from: the best, or the nearest where none keeps every bound."""
    nearest = min(_with_value(trials), key=lambda t: (t.shortfall, *_rank(t)), default=None)
    return best_of(trials) or nearest


def _with_value(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.value is not None]


def _quality(trial: Trial) -> float:
    """More is better."""
    if trial.quality is None:
        return -1e9
    return -metric_of(trial.metric).excess(trial.quality, 0.0)


def _rank(trial: Trial) -> tuple[float, float, int]:
    value = trial.value if trial.value is not None else float("inf")
    if trial.high is not None and trial.high >= 1:
        value = max(value, 1.0)  # not faster than float32 beyond doubt
    return value, -_quality(trial), len(trial.recipe)


def read(folder: Path) -> Outcome:
    """The outcome in the folder that ``keep`` wrote."""
    return from_json(json.loads((folder / RESULT).read_text()))
