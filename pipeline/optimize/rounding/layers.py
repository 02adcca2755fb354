"""Rounds one layer after another onto its grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.engine.step import progress
from pipeline.optimize.rounding.grids import DAMPING
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.tensorflow.moments import Moments
    from pipeline.graphs.tensorflow.rounding import RoundingGrid
    from pipeline.graphs.tensorflow.stages import Stages
    from pipeline.optimize.rounding.options import Options

#: Significant bits of a bias beyond those of weights: so that its own rounding adds little.
BIAS_BITS = 4


class Rounding:
    """Rounds one layer after another."""

    def __init__(
        self,
        stages: Stages,
        grids: list[RoundingGrid],
        options: Options,
        samples: Mapping[str, Array],
    ) -> None:
        network = stages.network
        self.stages, self._grids, self._options, self._samples = stages, grids, options, samples
        self.plain = [
            (network.value(layer.node.input[1]), layer.offsets(network)) for layer in stages.layers
        ]
        """By layer, the weights and the bias."""
        self.values: list[tuple[Array, Array | None]] = []
        """The same after ``run``."""

    def run(
        self, kept: Collection[str] = (), *, alone: bool = False
    ) -> dict[str, dict[str, float]]:
        """Round all layers; what became of each.

        Args:
            kept: the layers that become float16 instead.
            alone: round each as if all before it had been left as they are.
        """
        from pipeline.graphs.tensorflow.stages import StagedRun

        was, now = StagedRun(self.stages, self._samples), StagedRun(self.stages, self._samples)
        facts = {}
        self.values = []
        for index, layer in enumerate(self.stages.layers):
            progress(0.3 + 0.7 * index / len(self.stages.layers), f"rounding {layer.name}")
            before = was.input(index)
            after = before if alone else now.input(index)
            weights, bias, facts[layer.name] = self._layer(index, before, after, kept)
            self.values.append((weights, bias))
            was.layer(index, before, *self.plain[index])
            if not alone:
                now.layer(index, after, weights, bias)
        return facts

    def _layer(
        self, index: int, before: Any, after: Any, kept: Collection[str]
    ) -> tuple[Array, Array | None, dict[str, float]]:
        """One layer's weights and bias, rounded, and how many bits and levels they have."""
        from pipeline.graphs.tensorflow.keeping import half
        from pipeline.graphs.tensorflow.moments import moments

        layer = self.stages.layers[index]
        weights, bias = self.plain[index]
        stacked = layer.stacked(weights).astype(np.float64)
        activity = moments(layer, before, after, weights.shape)
        if layer.name in kept:
            rounded, facts = half(stacked), {"weights": stacked.size, "bits": 16.0}
        else:
            numbers = self._numbers(stacked, activity, self._grids[index])
            rounded, facts = numbers * self._grids[index].step, _describe(numbers)
        if bias is not None:
            lost = _means(activity.mean, stacked) - _means(activity.mean_now, rounded)
            bias = self._short(bias + lost)
        return layer.unstacked(rounded.astype(np.float32), weights.shape), bias, facts

    def _numbers(self, weights: Array, activity: Moments, grid: RoundingGrid) -> Array:
        from pipeline.graphs.tensorflow.blocks import join_blocks, split
        from pipeline.graphs.tensorflow.rounding import with_feedback

        if self._options.method == "nearest":
            return grid.numbers(weights)
        damped = activity.damped(DAMPING)
        parts = split(weights)
        targets: Array = np.linalg.solve(damped.square, damped.cross @ parts)
        # What pruning made zero stays zero.
        numbers = with_feedback(targets, grid, damped.square, parts == 0)
        return join_blocks(numbers, weights.shape)

    def _short(self, bias: Array) -> Array:
        """A bias in few significant bits, as float16 where that holds it."""
        from pipeline.weights.bits import significant

        bits = int(np.ceil(self._options.bits)) + BIAS_BITS
        few = significant(bias, bits)
        short: Array = few.astype(np.float16).astype(np.float32)
        return short if bits <= 11 and np.isfinite(short).all() else few.astype(np.float32)


def _describe(numbers: Array) -> dict[str, float]:
    from pipeline.weights.bits import entropy

    levels = int(np.ptp(numbers)) + 1
    return {"weights": numbers.size, "levels": levels, "bits": round(entropy(numbers), 3)}


def _means(means: Array, weights: Array) -> Array:
    """A layer's mean results [channels], of its inputs' means [groups, inputs], or by blocks."""
    means = means.reshape(len(weights), -1)[:, : weights.shape[1]]
    results: Array = np.einsum("gi,gio->go", means, weights).reshape(-1)
    return results
