"""A metric: one measure of an artifact, and what gates, search and report know of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

#: What is measured: raw outputs against the golden's, the task's answers against the golden's,
#: answers against the truth, the artifact itself, its time, or its size. In this order metrics
#: stand in a config's schema and in a report.
Of = Literal["outputs", "answers", "truth", "artifact", "time", "size"]


@dataclass(frozen=True)
class Limits:
    """What a config may give as a bound."""

    about: str
    """What the bound means: the description in the config's JSON Schema."""
    type: type[float] = float
    """``float``, or ``int`` or ``bool``."""
    least: float | None = None
    most: float | None = None
    above: float | None = None


@dataclass(frozen=True)
class Metric:
    """One measure; declared where it is measured, general ones in ``pipeline.measures.metrics``."""

    name: str
    words: str
    """What people call it."""
    of: Of
    better: Literal["lower", "higher"] = "lower"
    unit: str = "number"
    """How people read it: one of those in ``pipeline.measures.words``, or what stands behind the
    number, such as ``px``."""
    gate: Limits | None = None
    """``None`` where no config bounds it."""
    short: str = ""
    """Its name beside a chart, where that is shorter."""
    interval: Literal["share", "paired"] | None = None
    """The confidence interval that decides what chance may explain: that of a share of samples, or
    of the difference between two shares of the same samples; ``None`` where chance has no part."""
    is_total: bool = False
    """Whether the values of several outputs add up; the worst counts otherwise."""
    is_everywhere: bool = False
    """Whether it is the same wherever the artifact runs."""
    missed: str = ""
    """An error's sentence on a bound that was not kept, where it is not the usual one. It names
    ``{artifact}``, ``{where}``, ``{value}`` in words, ``{measured}`` and ``{bound}``."""

    @property
    def is_floor(self) -> bool:
        """Whether a value may be no smaller than its bound; no larger otherwise."""
        return self.better == "higher"

    @property
    def is_difference(self) -> bool:
        """Whether it tells how far an artifact is from the golden."""
        return self.of in ("outputs", "answers")

    @property
    def is_share(self) -> bool:
        """Whether it is a share, from 0 to 1."""
        return self.unit == "percent"

    def scale(self, value: float) -> float:
        """What a part of a value is a part of: a point of a share, else a hundredth of the value,
        is 0.01 of it."""
        return 1.0 if self.is_share else abs(value)

    def lost(self) -> Metric:
        """How much worse it is than the source's, as ``accuracy_drop`` bounds it."""
        return replace(
            self, words=f"{self.words} {'lost' if self.is_floor else 'added'}", better="lower"
        )

    @property
    def sign(self) -> str:
        """How a value stands to a bound that it keeps."""
        return ">=" if self.is_floor else "<="

    def excess(self, value: float, bound: float) -> float:
        """By how much a value is beyond its bound; negative within it."""
        return bound - value if self.is_floor else value - bound

    def keeps(self, value: float, bound: float) -> bool:
        """Whether a value keeps its bound."""
        # A difference of two shares carries float64's rounding; 1e-9 is far below one sample.
        return self.excess(value, bound) <= 1e-9

    def tightest(self, bounds: Iterable[float]) -> float:
        """Of several bounds, the one that is hardest to keep."""
        return max(bounds) if self.is_floor else min(bounds)

    def worst(self, values: Iterable[float]) -> float:
        """Of an artifact with several outputs, by the values of each."""
        if self.is_total:
            return sum(values)
        return min(values) if self.is_floor else max(values)
