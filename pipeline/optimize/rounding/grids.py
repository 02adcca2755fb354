"""How coarse a grid each layer bears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.engine.step import progress
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.tensorflow.rounding import RoundingGrid
    from pipeline.graphs.tensorflow.stages import Stages
    from pipeline.optimize.rounding.options import Options

#: A Hessian's mean variance, by which what samples do not show is damped.
DAMPING = 0.1

#: Samples that sensitivities and grids come from; rounding itself takes more.
FEW = 16

#: Activations of all samples of one tensor may take so many bytes.
MOST_BYTES = 256 << 20


def find_grids(
    stages: Stages, samples: Mapping[str, Array], options: Options
) -> tuple[list[RoundingGrid], int]:
    """Each layer's grid, and for how many samples there is memory."""
    from pipeline.graphs.tensorflow import steps
    from pipeline.graphs.tensorflow.moments import moments
    from pipeline.graphs.tensorflow.sensitivity import sensitivities
    from pipeline.graphs.tensorflow.stages import StagedRun, fixed_batch

    network = stages.network
    least = max(FEW, fixed_batch(network, samples) or 0)
    few = {name: values[:least] for name, values in samples.items()}
    count = min(len(values) for values in few.values())
    energies = sensitivities(network, stages.layers, few)
    run, harms, largest = StagedRun(stages, few), [], 1
    for index, layer in enumerate(stages.layers):
        progress(0.3 * index / len(stages.layers), "finding grids")
        inputs, weights = run.input(index), network.value(layer.node.input[1])
        largest = max(largest, sum(int(np.prod(array.shape)) * 4 for array in inputs) // count)
        squares = moments(layer, inputs, inputs, weights.shape).damped(DAMPING).square
        stacked = layer.stacked(weights).astype(np.float64)
        per_channel = options.granularity == "per-channel"
        harms.append(steps.harm(stacked, squares, energies[index], per_channel=per_channel))
        run.layer(index, inputs, weights, layer.offsets(network))
    return steps.grids(harms, options.bits, options.levels), max(least, MOST_BYTES // largest)
