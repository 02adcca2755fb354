"""Finds the few parts of a model to leave as they are, so that it keeps within bounds.

Techniques that change weights share it: what a part is, and how a model with some of them changed
runs, is theirs. Errors of parts add up nearly as independent ones do (Nagel et al. 2021,
arXiv:2106.08295, sec. 3.7), so that those which do most damage alone are left first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count, islice

from pipeline.base.errors import PipelineError
from pipeline.measures import words
from pipeline.measures.metrics import metric_of
from pipeline.tensors.arrays import Array

Outputs = Mapping[str, Array]

#: Outputs, and those that they are compared with -> value by metric.
Agree = Callable[[Outputs, Outputs], Mapping[str, float | None]]

#: The damage of outputs that are not finite: a number that JSON has.
WORST = 3.4e38


class Judge:
    """Compares outputs with what they were before anything was changed.

    Args:
        before: [n, …] by name, what they were.
        bounds: metric -> bound.
        where: the bounds stand, for an error.
        softmax: by name, whether an output is a softmax.
        agree: how answers are compared, where a bound is on that.
    """

    def __init__(
        self,
        before: Outputs,
        bounds: Mapping[str, float],
        where: str,
        softmax: Mapping[str, bool] | None = None,
        agree: Agree | None = None,
    ) -> None:
        self._before, self._softmax = before, softmax or {}
        self._bounds, self._where, self._agree = bounds, where, agree
        self._metrics = dict.fromkeys(("relative_error", "snr_db", *bounds))

    def measure(self, outputs: Outputs) -> dict[str, float]:
        """By metric, the worst of all outputs, and whether answers agree; what says nothing of the
        model is not there.

        Raises:
            PipelineError: a bound is on what says nothing of the model.
        """
        from pipeline.measures.parity import compare

        parity = compare(outputs, self._before, self._softmax)
        if parity["nonfinite"]:
            return {name: metric_of(name).worst((-WORST, WORST)) for name in self._metrics}
        measured = {name: parity[name] for name in self._metrics if parity.get(name) is not None}
        agreement = self._agree(outputs, self._before) if self._agree else {}
        measured |= {name: value for name, value in agreement.items() if value is not None}
        if lacking := [name for name in self._bounds if name not in measured]:
            raise PipelineError(
                f"{words.joined(lacking)} says nothing of this model's outputs",
                where=self._where,
                todo="bound relative_error in its place",
            )
        return measured

    def damage(self, outputs: Outputs) -> float:
        """The relative error, by which parts are ranked."""
        return self.measure(outputs)["relative_error"]

    def passes(self, outputs: Outputs) -> bool:
        """Whether outputs keep all bounds."""
        return within(self.measure(outputs), self._bounds)


def within(measured: Mapping[str, float], bounds: Mapping[str, float]) -> bool:
    """Whether all bounds are kept."""
    return all(metric_of(name).keeps(measured[name], bound) for name, bound in bounds.items())


class Ranking:
    """Parts of a model, those that do most damage first, as far down as one asks.

    The worse half of the worst group is looked into first. To find the k worst of n takes
    2 k log2(n) measurements at most, and 2 n for all of them.

    Args:
        parts: in the model's order, so that a group is what lies together.
        damage: what some of them do, alone.
    """

    def __init__(self, parts: Sequence[str], damage: Callable[[Sequence[str]], float]) -> None:
        self.damages: dict[str, float] = {}
        """Of those that were asked for, the worst first."""
        self._rest = self._worst_first(parts, damage)

    def first(self, number: int) -> list[str]:
        """So many of them."""
        self.damages |= dict(islice(self._rest, max(0, number - len(self.damages))))
        return list(self.damages)[:number]

    def _worst_first(
        self, parts: Sequence[str], damage: Callable[[Sequence[str]], float]
    ) -> Iterator[tuple[str, float]]:
        order = count()
        heap = [(-WORST, next(order), parts)] if len(parts) > 1 else []
        if len(parts) == 1:
            yield parts[0], damage(parts)
        while heap:
            negative, _, group = heappop(heap)
            if len(group) == 1:
                yield group[0], -negative
                continue
            middle = len(group) // 2
            for half in (group[:middle], group[middle:]):
                heappush(heap, (-damage(half), next(order), half))


def fewest(most: int, enough: Callable[[int], bool]) -> int | None:
    """The least count from 0 to ``most`` that is enough, if more are always better.

    Tries few first, twice as many each time: 2 log2 of what it finds, whatever ``most`` is.
    """
    low, high = -1, 0
    while not enough(high):
        if high == most:
            return None
        low, high = high, min(most, max(1, 2 * high))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
