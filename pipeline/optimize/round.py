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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError
from pipeline.engine.step import step
from pipeline.optimize.contract import FrozenInputs, Technique
from pipeline.optimize.rounding.options import Options
from pipeline.tasks.agreement import agreement
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.tensorflow.network import Network
    from pipeline.measures.keeping import Agree


def levels_given(options: Options) -> int:
    """How many values a weight may have afterwards."""
    return options.levels


@step(version=8, lane="tensorflow", tools=("tensorflow", "numpy"))
def apply(inputs: FrozenInputs, options: Options, work: Path) -> None:
    """FROZEN -> FROZEN with batch norms folded and weights on grids.

    ``round.json`` tells by layer how many levels and bits it has and, where ``keep`` bounds what
    is lost, the damage of each, the worst first, and which were kept in float16.
    """
    from pipeline.graphs.tensorflow.network import Network

    network = Network.read(inputs.frozen)
    samples = inputs.samples.calibration.inputs()
    agree = agreement(inputs.samples, options.keep, "round.keep") if options.keep else None
    result = round_weights(network, samples, options, agree)
    network.write(inputs.frozen, work)
    (work / "round.json").write_text(json.dumps(result, indent=1))


def round_weights(
    network: Network,
    samples: Mapping[str, Array],
    options: Options,
    agree: Agree | None = None,
) -> dict[str, Any]:
    """Round a network's weights in place.

    Args:
        network: what to round.
        samples: input name -> [n, …]; as many as ``options`` says are used.
        options: how.
        agree: how answers are compared, where ``keep`` bounds that.

    Returns:
        ``layers``: by layer, how many ``weights`` and ``levels``, and ``bits`` for each weight.
        With ``keep`` also ``damage``: by layer, the outputs' relative error where it alone is
        rounded, the worst first; ``kept``: which are float16; ``measured``: what is kept now.
    """
    from pipeline.graphs.tensorflow.layers import layers
    from pipeline.graphs.tensorflow.stages import Stages
    from pipeline.optimize.rounding.grids import find_grids
    from pipeline.optimize.rounding.keep import round_within
    from pipeline.optimize.rounding.layers import Rounding

    network_layers = layers(network)
    if not network_layers:
        raise PipelineError(
            "the model has no convolution or product with constant weights to round",
            where="round",
            todo="leave round out",
        )
    samples = _take_first(network, samples, options.calibrate)
    used, held = _hold_back(samples) if options.keep else (samples, samples)
    stages = Stages(network, network_layers)
    grids, count = find_grids(stages, used, options)
    rounding = Rounding(stages, grids, options, {n: v[:count] for n, v in used.items()})
    if options.keep:
        held = {n: v[:count] for n, v in held.items()}
        result = round_within(rounding, held, options.keep, agree)
    else:
        result = {"layers": rounding.run()}
    for layer, (weights, bias) in zip(network_layers, rounding.values, strict=True):
        network.set_input(layer.node, 1, weights)
        if bias is not None:
            network.set_input(layer.bias, layer.bias_index, bias)
    return result


def _take_first(network: Network, samples: Mapping[str, Array], most: int) -> dict[str, Array]:
    """The first samples of the network's inputs, so many at most."""
    names = [spec.name for spec in network.signature.inputs]
    missing = [name for name in names if not len(samples.get(name, ()))]
    if missing:
        raise PipelineError(
            f"there are no calibration samples of {', '.join(missing)}",
            where="round",
            todo="give samples for every input",
        )
    return {name: samples[name][:most] for name in names}


def _hold_back(samples: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Three of four samples to round by, and every fourth to judge by."""
    count = min(len(values) for values in samples.values())
    if count < 2:
        return dict(samples), dict(samples)
    held = np.arange(count) % 4 == 1
    return (
        {name: values[:count][~held] for name, values in samples.items()},
        {name: values[:count][held] for name, values in samples.items()},
    )


TECHNIQUE = Technique(
    name="round",
    key="round",
    stage="frozen",
    options=Options,
    step=apply,
    order=20,
    search={"bits": (3.0, 2.0, 4.0, 6.0)},
    levels_given=levels_given,
)
