"""How coarse each layer's grid is: the fewest bytes for what the outputs may be off.

A weight that is off by e makes a result off by e x, and the outputs off by as much as they change
with that result. Where rounding errors are as good as random, the least error in so many bits has
every weight do the same harm (reverse water-filling; Cover and Thomas 2006, section 10.3.3): each
grid's step is a common factor over the root of the harm that a weight's error does. Entropy coding
(brotli's) makes a step cost the logarithm of it, however many levels the range has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.graphs.tensorflow.rounding import RoundingGrid, take_up
from pipeline.tensors.arrays import Float64s, np
from pipeline.weights.bits import entropy, significant_above

#: Significant bits of a step. Its products with whole numbers are then exact in float32, and up
#: to 256 of them in float16.
STEP_BITS = 4

#: Weights of a layer that entropy is estimated from.
SEEN = 1 << 16

#: Where the search for a factor of all steps begins and ends, as powers of two.
FINEST, COARSEST = -40.0, 20.0


@dataclass(frozen=True)
class Harm:
    """A layer's weights, and the square of what an error of each does to the outputs."""

    weights: Float64s
    """[groups, inputs, outputs]."""
    square: Float64s
    """By channel, or for the whole layer: [groups, 1, outputs] or [1, 1, 1]."""


def harm(weights: Float64s, hessian: Float64s, energy: Float64s, *, per_channel: bool) -> Harm:
    """Of a layer's weights, its Hessian, and the outputs' gradient energy by channel."""
    groups, _, outputs = weights.shape
    diagonal = np.einsum("gii->gi", take_up(hessian))
    left = (1 / diagonal**2).reshape(groups, -1).mean(axis=1).reshape(groups, 1, 1)
    square = energy.reshape(groups, 1, outputs) * left
    return Harm(weights, square if per_channel else square.mean(keepdims=True))


def grids(harms: Sequence[Harm], bits: float, levels: int) -> list[RoundingGrid]:
    """The grids on which all weights together take so many bits each, after entropy coding.

    They take fewer where ``levels`` bounds the finest grids.
    """
    low, high = FINEST, COARSEST
    for _ in range(40):
        middle = (low + high) / 2
        if _bits(harms, [_grid(harm, 2.0**middle, levels) for harm in harms]) > bits:
            low = middle
        else:
            high = middle
    return [_grid(harm, 2.0**high, levels) for harm in harms]


def _grid(harm: Harm, factor: float, levels: int) -> RoundingGrid:
    over = (1,) if harm.square.size > 1 else (0, 1, 2)
    least = np.minimum(harm.weights.min(axis=over, keepdims=True), 0)
    span = np.maximum(harm.weights.max(axis=over, keepdims=True), 0) - least
    span = np.maximum(span, 1e-30)
    # No coarser than a channel is wide: it would be lost whole.
    step = np.minimum(factor / np.sqrt(harm.square), span)
    step = significant_above(np.maximum(step, span / (levels - 1)), STEP_BITS)
    low = np.rint(least / step)
    return RoundingGrid(step, low, low + levels - 1)


def _bits(harms: Sequence[Harm], grids: Sequence[RoundingGrid]) -> float:
    """Bits for each weight, in the mean."""
    total = sum(
        entropy(grid.numbers(_some(harm.weights))) * harm.weights.size
        for harm, grid in zip(harms, grids, strict=True)
    )
    return total / sum(harm.weights.size for harm in harms)


def _some(weights: Float64s) -> Float64s:
    """Whole inputs of all outputs, evenly chosen, so that grids still broadcast."""
    every = max(1, min(weights.shape[1], weights.size // SEEN))
    return weights[:, ::every]
