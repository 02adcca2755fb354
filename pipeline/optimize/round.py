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
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from pipeline.base.errors import PipelineError
from pipeline.base.options import Options as Strict
from pipeline.engine.step import progress, step
from pipeline.measures.bounds import Differences
from pipeline.optimize.contract import FrozenInputs, Technique
from pipeline.tasks.agreement import agreement
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.tensorflow.moments import Moments
    from pipeline.graphs.tensorflow.network import Network
    from pipeline.graphs.tensorflow.rounding import RoundingGrid
    from pipeline.measures.keeping import Agree


#: A Hessian's mean variance, by which what samples do not show is damped.
DAMPING = 0.1

#: Samples that sensitivities and grids come from; rounding itself takes more.
FEW = 16

#: Activations of all samples of one tensor may take so many bytes.
MOST_BYTES = 256 << 20

#: Significant bits of a bias beyond those of weights: so that its own rounding adds little.
BIAS_BITS = 4


def _some_bound(keep: Differences) -> Differences:
    if not keep:
        raise ValueError("name a bound, such as relative_error, snr_db or an agreement of the task")
    return keep


class Options(Strict):
    """Round weights onto grids, layer by layer, so that later ones make up for earlier errors."""

    shorthand: ClassVar[str | None] = "bits"

    bits: Annotated[float, Field(gt=0.5, le=16)] = 6.0
    """What a weight takes in the mean after compression. Layers that the outputs depend on get
    more, others fewer; one bit less is 6 dB less signal to noise. 2.5 keeps a small classifier
    accurate."""

    levels: Annotated[int, Field(ge=2, le=65_536)] = 65_536
    """How many values a grid has at most. Most layers need fewer than 256, which is uint8; a few
    small ones, such as depthwise convolutions with folded batch norms, may need more, and become
    float16 or uint16. 256 holds all in uint8; put ``equalize`` before it then. 129 is what
    ``quantize: int8`` keeps of any grid, where it is portable."""

    granularity: Literal["per-tensor", "per-channel"] = "per-tensor"
    """One grid for each layer, which every format holds; or one for each channel, for ONNX."""

    method: Literal["feedback", "nearest"] = "feedback"
    """Whether weights make up for each other's errors, or each goes to the nearest number."""

    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 128
    """How many samples of the calibration split are used; fewer where activations are large."""

    keep: Annotated[Differences, AfterValidator(_some_bound)] | None = None
    """Keep layers in float16, those that do most damage alone, as few as hold outputs and answers
    within these bounds on every fourth of the samples, which is held back from rounding."""


def levels_given(options: Options) -> int:
    """How many values a weight may have afterwards."""
    return options.levels


@step(version=7, lane="tensorflow", tools=("tensorflow", "numpy"))
def apply(inputs: FrozenInputs, options: Options, work: Path) -> None:
    """FROZEN -> FROZEN with batch norms folded and weights on grids.

    ``round.json`` tells by layer how many levels and bits it has and, where ``keep`` bounds what
    is lost, the damage of each, the worst first, and which were kept in float16.
    """
    from pipeline.graphs.tensorflow.network import Network

    network = Network.read(inputs.frozen)
    samples = inputs.samples.calibration.inputs()
    agree = agreement(inputs.samples, options.keep, "round.keep") if options.keep else None
    told = round_weights(network, samples, options, agree)
    network.write(inputs.frozen, work)
    (work / "round.json").write_text(json.dumps(told, indent=1))


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

    found = layers(network)
    if not found:
        raise PipelineError(
            "the model has no convolution or product with constant weights to round",
            where="round",
            todo="leave round out",
        )
    samples = _some(network, samples, options.calibrate)
    seen, held = _held_back(samples) if options.keep else (samples, samples)
    stages = Stages(network, found)
    grids, count = _grids(stages, seen, options)
    rounding = _Rounding(stages, grids, options, {n: v[:count] for n, v in seen.items()})
    if options.keep:
        told = _keep(rounding, {n: v[:count] for n, v in held.items()}, options.keep, agree)
    else:
        told = {"layers": rounding.run()}
    for layer, (weights, bias) in zip(found, rounding.values, strict=True):
        network.set_input(layer.node, 1, weights)
        if bias is not None:
            network.set_input(layer.bias, layer.bias_index, bias)
    return told


def _some(network: Network, samples: Mapping[str, Array], most: int) -> dict[str, Array]:
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


def _held_back(samples: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Three of four samples to round by, and every fourth to judge by."""
    count = min(len(values) for values in samples.values())
    if count < 2:
        return dict(samples), dict(samples)
    held = np.arange(count) % 4 == 1
    return (
        {name: values[:count][~held] for name, values in samples.items()},
        {name: values[:count][held] for name, values in samples.items()},
    )


def _keep(
    rounding: _Rounding, held: Mapping[str, Array], keep: Differences, agree: Agree | None
) -> dict[str, Any]:
    """Round, with as few layers in float16 as keep the bounds on samples that were held back.

    Each time all are rounded anew: what follows a layer in float16 has less to make up for.
    """
    from pipeline.graphs.tensorflow.keeping import Judge
    from pipeline.measures.keeping import fewest, within

    judge = Judge(rounding.stages, held, rounding.plain, keep, agree)
    rounding.run(alone=True)
    ranking = judge.damage(rounding.values, lambda part: progress(part, "ranking layers"))
    measured: dict[str, float] = {}
    told: dict[str, Any] = {}

    def enough(count: int) -> bool:
        told["kept"] = list(ranking)[:count]
        told["layers"] = rounding.run(told["kept"])
        measured.update(judge.measure(rounding.values))
        return within(measured, keep)

    count = fewest(len(ranking), enough)
    if count is None:
        found = ", ".join(f"{name} {measured[name]:.4g}" for name in keep)
        raise PipelineError(
            f"with every layer in float16 the model has {found}",
            where="round.keep",
            todo="ask for less",
        )
    if len(told["kept"]) != count:  # the last that was tried was not enough
        enough(count)
    return {
        "layers": told["layers"],
        "damage": ranking,
        "kept": told["kept"],
        "measured": measured,
    }


def _grids(
    stages: Any, samples: Mapping[str, Array], options: Options
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
        given, weights = run.input(index), network.value(layer.node.input[1])
        largest = max(largest, sum(int(np.prod(one.shape)) * 4 for one in given) // count)
        seen = moments(layer, given, given, weights.shape).damped(DAMPING)
        stacked = layer.stacked(weights).astype(np.float64)
        per_channel = options.granularity == "per-channel"
        harms.append(steps.harm(stacked, seen.square, energies[index], per_channel=per_channel))
        run.layer(index, given, weights, layer.offsets(network))
    return steps.grids(harms, options.bits, options.levels), max(least, MOST_BYTES // largest)


class _Rounding:
    """Rounds one layer after another."""

    def __init__(
        self, stages: Any, grids: list[RoundingGrid], options: Options, samples: Mapping[str, Array]
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
        told = {}
        self.values = []
        for index, layer in enumerate(self.stages.layers):
            progress(0.3 + 0.7 * index / len(self.stages.layers), f"rounding {layer.name}")
            before = was.input(index)
            given = before if alone else now.input(index)
            weights, bias, told[layer.name] = self._layer(index, before, given, kept)
            self.values.append((weights, bias))
            was.layer(index, before, *self.plain[index])
            if not alone:
                now.layer(index, given, weights, bias)
        return told

    def _layer(
        self, index: int, before: Any, given: Any, kept: Collection[str]
    ) -> tuple[Array, Array | None, dict[str, float]]:
        """One layer's weights and bias, rounded, and how many bits and levels they have."""
        from pipeline.graphs.tensorflow.keeping import half
        from pipeline.graphs.tensorflow.moments import moments

        layer = self.stages.layers[index]
        weights, bias = self.plain[index]
        stacked = layer.stacked(weights).astype(np.float64)
        seen = moments(layer, before, given, weights.shape)
        if layer.name in kept:
            rounded, told = half(stacked), {"weights": stacked.size, "bits": 16.0}
        else:
            numbers = self._numbers(stacked, seen, self._grids[index])
            rounded, told = numbers * self._grids[index].step, _told(numbers)
        if bias is not None:
            lost = _means(seen.mean, stacked) - _means(seen.mean_now, rounded)
            bias = self._short(bias + lost)
        return layer.unstacked(rounded.astype(np.float32), weights.shape), bias, told

    def _numbers(self, weights: Array, seen: Moments, grid: RoundingGrid) -> Array:
        from pipeline.graphs.tensorflow.blocks import join_blocks, split
        from pipeline.graphs.tensorflow.rounding import with_feedback

        if self._options.method == "nearest":
            return grid.numbers(weights)
        damped = seen.damped(DAMPING)
        parts = split(weights)
        wanted: Array = np.linalg.solve(damped.square, damped.cross @ parts)
        # What pruning made zero stays zero.
        numbers = with_feedback(wanted, grid, damped.square, parts == 0)
        return join_blocks(numbers, weights.shape)

    def _short(self, bias: Array) -> Array:
        """A bias in few significant bits, as float16 where that holds it."""
        from pipeline.weights.bits import significant

        bits = int(np.ceil(self._options.bits)) + BIAS_BITS
        few = significant(bias, bits)
        short: Array = few.astype(np.float16).astype(np.float32)
        return short if bits <= 11 and np.isfinite(short).all() else few.astype(np.float32)


def _told(numbers: Array) -> dict[str, float]:
    from pipeline.weights.bits import entropy

    levels = int(np.ptp(numbers)) + 1
    return {"weights": numbers.size, "levels": levels, "bits": round(entropy(numbers), 3)}


def _means(means: Array, weights: Array) -> Array:
    """A layer's mean results [channels], of its inputs' means [groups, inputs], or by blocks."""
    means = means.reshape(len(weights), -1)[:, : weights.shape[1]]
    found: Array = np.einsum("gi,gio->go", means, weights).reshape(-1)
    return found


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
