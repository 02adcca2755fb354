"""How right answers are: one figure over samples, and what so many samples tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.measures.metrics import metric_of
from pipeline.measures.proportion import share
from pipeline.tensors.arrays import Float64s, Int64s, NDArray, np

#: Drawings of samples by which an interval is found: its ends then vary by some hundredths of its
#: width (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 14).
DRAWS = 1000


@dataclass(frozen=True)
class Score:
    """How right the answers to n samples are."""

    metric: str
    """The name of one of the task's metrics."""
    samples: int
    of: Callable[[Int64s], float]
    """The figure on the samples of some indices, of which one may be there several times."""
    right: NDArray[np.bool_] | None = None
    """[n], where each sample is right or wrong and the figure is the share of right ones."""
    chance: float | None = None
    """What whoever does not look gets; beside ``right``."""

    def measured(self) -> dict[str, Any]:
        """``{"metric", "value", "samples", "low", "high"}``: the last two a 95 % interval."""
        if self.right is not None:
            return share(self.metric, self.right)
        measured = {"metric": self.metric, "value": self.of(np.arange(self.samples))}
        low, high = interval(self.of, self.samples)
        return {**measured, "samples": self.samples, "low": low, "high": high}

    def compared(self, source: Score) -> dict[str, Any]:
        """What artifacts are held to beside: how they differ from the source on the same samples.

        Returns:
            Where samples are right or wrong, ``lost``, which counts those that only the source
            gets right, and ``gained``, the opposite; else ``less``, the 95 % interval of how much
            worse the figure is than the source's.
        """
        if self.right is not None and source.right is not None:
            lost, gained = source.right & ~self.right, self.right & ~source.right
            return {"lost": int(lost.sum()), "gained": int(gained.sum())}
        worse = metric_of(self.metric).excess
        return {"less": interval(lambda rows: worse(self.of(rows), source.of(rows)), self.samples)}


def share_of(metric: str, right: NDArray[np.bool_], chance: float | None = None) -> Score:
    """The share of samples that are right, bool [n]."""
    return Score(metric, len(right), lambda rows: float(right[rows].mean()), right, chance)


def interval(figure: Callable[[Int64s], float], samples: int) -> tuple[float, float]:
    """The 95 % percentile interval of a figure by the bootstrap over samples, always the same.

    Args:
        figure: of the samples of some indices, as in ``Score.of``.
        samples: how many there are.
    """
    chance = np.random.default_rng(0)
    drawn: Float64s = np.array(
        [figure(chance.integers(0, samples, samples)) for _ in range(DRAWS)], np.float64
    )
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return low, high
