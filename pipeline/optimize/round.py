"""Learned rounding: weights on grids, chosen so that the outputs change least for their bytes.

Each layer gets a grid as coarse as the outputs bear (``graph.steps``). Then layers are rounded in
order, each on what the network with all layers before it rounded gives it, against what the layer
gave before: first the weights that make up best for errors so far (least squares), then rounding
with error feedback (GPTQ, Frantar et al. 2022, arXiv:2210.17323), then the bias, which takes up
the mean error of each channel (Nagel et al. 2019, arXiv:1906.04721, section 4.2).

Weights lie exactly on their grids afterwards, as float32, in every format; a codec such as
``quantize: uint8`` stores them without moving them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.errors import PipelineError
from pipeline.options import Options as Strict
from pipeline.step import Inputs, progress, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.optimize.graph.network import Network
    from pipeline.optimize.graph.rounding import Grid

    Array = NDArray[Any]

KEY = NAME = "round"
STAGE = "frozen"
ORDER = 20
SEARCH = {"bits": (3.0, 2.0, 4.0, 6.0)}

#: A Hessian's mean variance, by which what samples do not show is damped.
DAMPING = 0.1

#: Samples that sensitivities and grids come from; rounding itself takes more.
FEW = 16

#: Activations of all samples of one tensor may take so many bytes.
MOST_BYTES = 256 << 20

#: Significant bits of a bias beyond those of weights: so that its own rounding adds little.
BIAS_BITS = 4


class Options(Strict):
    """Round weights onto grids, layer by layer, so that later ones make up for earlier errors."""

    shorthand: ClassVar[str | None] = "bits"

    bits: Annotated[float, Field(gt=0.5, le=16)] = 6.0
    """What a weight takes in the mean after compression. Layers that the outputs depend on get
    more, others fewer; one bit less is 6 dB less signal to noise. 2.5 keeps a small classifier
    accurate."""

    levels: Annotated[int, Field(ge=2, le=65_536)] = 256
    """How many values a grid has at most: 256 fit uint8. Where channels span wide ranges, put
    ``equalize`` before it."""

    granularity: Literal["per-tensor", "per-channel"] = "per-tensor"
    """One grid for each layer, which every format holds; or one for each channel, for ONNX."""

    method: Literal["feedback", "nearest"] = "feedback"
    """Whether weights make up for each other's errors, or each goes to the nearest number."""

    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 128
    """How many samples of the calibration split are used; fewer where activations are large."""


@step(version=1, lane="tensorflow", tools=("tensorflow", "numpy"))
def apply(inputs: Inputs, options: Options, work: Path) -> None:
    """FROZEN -> FROZEN with batch norms folded and weights on grids; ``round.json`` lists them."""
    from safetensors.numpy import load_file

    from pipeline.optimize.graph.network import Network

    network = Network.read(inputs["frozen"])
    samples = load_file(inputs["samples"] / "calibration" / "inputs.safetensors")
    found = round_weights(network, samples, options)
    network.write(inputs["frozen"], work)
    (work / "round.json").write_text(json.dumps({"layers": found}, indent=1))


def round_weights(
    network: Network, samples: Mapping[str, Array], options: Options
) -> dict[str, dict[str, float]]:
    """Round a network's weights in place.

    Args:
        network: what to round.
        samples: input name -> [n, …]; as many as ``options`` says are used.
        options: how.

    Returns:
        By layer: how many weights, how many ``levels`` they have, and ``bits`` for each.
    """
    from pipeline.optimize.graph.activations import Stages
    from pipeline.optimize.graph.layers import layers

    found = layers(network)
    if not found:
        raise PipelineError(
            "the model has no convolution or product with constant weights to round",
            where="round",
            todo="leave round out",
        )
    samples = {name: values[: options.calibrate] for name, values in samples.items()}
    stages = Stages(network, found)
    grids, count = _grids(stages, samples, options)
    samples = {name: values[:count] for name, values in samples.items()}
    return _Rounding(stages, grids, options).run(samples)


def _grids(stages: Any, samples: Mapping[str, Array], options: Options) -> tuple[list[Grid], int]:
    """Each layer's grid, and for how many samples there is memory."""
    import numpy as np

    from pipeline.optimize.graph import steps
    from pipeline.optimize.graph.activations import Run
    from pipeline.optimize.graph.moments import moments
    from pipeline.optimize.graph.sensitivity import sensitivities

    network = stages.network
    few = {name: values[:FEW] for name, values in samples.items()}
    energies = sensitivities(network, stages.layers, few)
    run, harms, largest = Run(stages, few), [], 1
    for index, layer in enumerate(stages.layers):
        progress(0.3 * index / len(stages.layers), "finding grids")
        given, weights = run.input(index), network.value(layer.node.input[1])
        largest = max(largest, *(int(np.prod(one.shape[1:])) * 4 for one in given))
        seen = moments(layer, given, given, weights.shape).damped(DAMPING)
        stacked = layer.stacked(weights).astype(np.float64)
        per_channel = options.granularity == "per-channel"
        harms.append(steps.harm(stacked, seen.square, energies[index], per_channel=per_channel))
        run.layer(index, given, weights, layer.offsets(network))
    return steps.grids(harms, options.bits, options.levels), max(FEW, MOST_BYTES // largest)


@dataclass
class _Rounding:
    """Rounds one layer after another."""

    stages: Any
    grids: list[Grid]
    options: Options

    def run(self, samples: Mapping[str, Array]) -> dict[str, dict[str, float]]:
        """Round all layers of the network in place; what became of each."""
        from pipeline.optimize.graph.activations import Run

        was, now = Run(self.stages, samples), Run(self.stages, samples)
        network, told = self.stages.network, {}
        for index, layer in enumerate(self.stages.layers):
            progress(0.3 + 0.7 * index / len(self.stages.layers), f"rounding {layer.name}")
            before, given = was.input(index), now.input(index)
            weights, bias = network.value(layer.node.input[1]), layer.offsets(network)
            rounded, moved, told[layer.name] = self._layer(index, before, given)
            was.layer(index, before, weights, bias)
            now.layer(index, given, rounded, moved)
            network.set_input(layer.node, 1, rounded)
            if layer.bias is not None:
                network.set_input(layer.bias, layer.bias_index, moved)
        return told

    def _layer(
        self, index: int, before: Any, given: Any
    ) -> tuple[Array, Array | None, dict[str, float]]:
        """One layer's weights and bias, rounded, and how many bits and levels they have."""
        import numpy as np

        from pipeline.optimize.graph.moments import moments
        from pipeline.optimize.graph.rounding import with_feedback
        from pipeline.optimize.graph.steps import entropy

        layer, grid, network = self.stages.layers[index], self.grids[index], self.stages.network
        weights = network.value(layer.node.input[1])
        stacked = layer.stacked(weights).astype(np.float64)
        seen = moments(layer, before, given, weights.shape)
        if self.options.method == "nearest":
            numbers = grid.numbers(stacked)
        else:
            damped = seen.damped(DAMPING)
            wanted = np.linalg.solve(damped.square, damped.cross @ stacked)
            # What pruning made zero stays zero.
            numbers = with_feedback(wanted, grid, damped.square, stacked == 0)
        rounded = numbers * grid.step
        bias = layer.offsets(network)
        if bias is not None:
            lost = _means(seen.mean, stacked) - _means(seen.mean_now, rounded)
            bias = self._short(bias + lost)
        told = {
            "weights": int(numbers.size),
            "levels": int(np.ptp(numbers)) + 1,
            "bits": round(entropy(numbers), 3),
        }
        return layer.unstacked(rounded.astype(np.float32), weights.shape), bias, told

    def _short(self, bias: Array) -> Array:
        """A bias in few significant bits, as float16 where that holds it."""
        import numpy as np

        bits = int(np.ceil(self.options.bits)) + BIAS_BITS
        mantissa, exponent = np.frexp(bias)
        few = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
        short: Array = few.astype(np.float16).astype(np.float32)
        return short if bits <= 11 and np.isfinite(short).all() else few.astype(np.float32)


def _means(means: Array, weights: Array) -> Array:
    """A layer's mean results [channels], of its inputs' means [groups, inputs]."""
    import numpy as np

    found: Array = np.einsum("gi,gio->go", means, weights).reshape(-1)
    return found
