"""Finds the layers to leave in float16, so that a network keeps within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.graphs.tensorflow.stages import StagedRun, Stages
from pipeline.measures.metrics import metric_of
from pipeline.tensors.arrays import Array, np

#: What one layer has: its weights, shaped as in the graph, and its bias.
Values = tuple["Array", "Array | None"]

#: Outputs, and those that they are compared with -> value by metric.
Agree = Callable[[Mapping[str, Array], Mapping[str, Array]], Mapping[str, float | None]]


class Judge:
    """Compares a network's outputs, with other weights, with what they were, on some samples."""

    def __init__(
        self,
        stages: Stages,
        samples: Mapping[str, Array],
        plain: Sequence[Values],
        metrics: Sequence[str],
        agree: Agree | None = None,
    ) -> None:
        self._stages, self._samples, self._plain = stages, samples, list(plain)
        self._agree = agree
        self._metrics = dict.fromkeys(("relative_error", "snr_db", *metrics))
        self._softmax = {spec.name: spec.softmax for spec in stages.network.signature.outputs}
        self._wanted = self._outputs(plain)

    def measure(self, values: Sequence[Values]) -> dict[str, float]:
        """By metric, the worst of all outputs, and whether answers agree; what says nothing of the
        model is not there."""
        from pipeline.measures.parity import compare

        outputs = self._outputs(values)
        found = compare(outputs, self._wanted, self._softmax)
        measured = {name: found[name] for name in self._metrics if found.get(name) is not None}
        agreement = self._agree(outputs, self._wanted) if self._agree else {}
        known = {name: value for name, value in agreement.items() if value is not None}
        return {name: round(value, 6) for name, value in measured.items()} | known

    def damage(self, alone: Sequence[Values], report: Callable[[float], None]) -> dict[str, float]:
        """Layer -> the outputs' relative error where it alone is rounded, the worst first."""
        found = {}
        for index, layer in enumerate(self._stages.layers):
            report(index / len(alone))
            values = [*self._plain[:index], alone[index], *self._plain[index + 1 :]]
            found[layer.name] = self.measure(values)["relative_error"]
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def _outputs(self, values: Sequence[Values]) -> dict[str, Array]:
        run = StagedRun(self._stages, self._samples)
        for index, (weights, bias) in enumerate(values):
            run.layer(index, run.input(index), weights, bias)
        return run.outputs()


def within(measured: Mapping[str, float], bounds: Mapping[str, float]) -> bool:
    """Whether all bounds are kept."""
    return all(metric_of(name).keeps(measured[name], bound) for name, bound in bounds.items())


def fewest(most: int, enough: Callable[[int], bool]) -> int | None:
    """The least count from 0 to ``most`` that is enough, if more are always better."""
    if enough(0):
        return 0
    low, high = 0, most
    if not enough(most):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high


def half(weights: Array) -> Array:
    """The nearest float16, as float32, where that holds them."""
    with np.errstate(over="ignore"):
        found: Array = weights.astype(np.float16).astype(np.float32)
    return found if np.isfinite(found).all() else weights.astype(np.float32)
