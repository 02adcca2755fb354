"""Finds the layers to leave in float16, so that a network keeps within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.graphs.tensorflow.stages import StagedRun, Stages
from pipeline.measures import keeping
from pipeline.tensors.arrays import Array, np

#: What one layer has: its weights, shaped as in the graph, and its bias.
Values = tuple["Array", "Array | None"]


class Judge:
    """Compares a network's outputs, with other weights, with what they were, on some samples."""

    def __init__(
        self,
        stages: Stages,
        samples: Mapping[str, Array],
        plain: Sequence[Values],
        bounds: Mapping[str, float],
        agree: keeping.Agree | None = None,
    ) -> None:
        self._stages, self._samples, self._plain = stages, samples, list(plain)
        softmax = {spec.name: spec.softmax for spec in stages.network.signature.outputs}
        expected = self._outputs(plain)
        self._judge = keeping.Judge(expected, bounds, "round.keep", softmax, agree)

    def measure(self, values: Sequence[Values]) -> dict[str, float]:
        """By metric, the worst of all outputs, and whether answers agree.

        Raises:
            PipelineError: a bound is on what says nothing of the model.
        """
        measured = self._judge.measure(self._outputs(values))
        return {name: round(value, 6) for name, value in measured.items()}

    def damage(self, alone: Sequence[Values], report: Callable[[float], None]) -> dict[str, float]:
        """Layer -> the outputs' relative error where it alone is rounded, the worst first."""
        damages = {}
        for index, layer in enumerate(self._stages.layers):
            report(index / len(alone))
            values = [*self._plain[:index], alone[index], *self._plain[index + 1 :]]
            damages[layer.name] = self.measure(values)["relative_error"]
        return dict(sorted(damages.items(), key=lambda pair: -pair[1]))

    def _outputs(self, values: Sequence[Values]) -> dict[str, Array]:
        run = StagedRun(self._stages, self._samples)
        for index, (weights, bias) in enumerate(values):
            run.layer(index, run.input(index), weights, bias)
        return run.outputs()


def half(weights: Array) -> Array:
    """The nearest float16, as float32, where that holds them."""
    with np.errstate(over="ignore"):
        halved: Array = weights.astype(np.float16).astype(np.float32)
    return halved if np.isfinite(halved).all() else weights.astype(np.float32)
