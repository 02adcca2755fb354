"""Finds the few weights to leave in float32, so that the others may be stored in fewer bits.

Each format runs its own float32 model with some weights as their codec gives them back. Which
others are left changes no encoding, so that what is measured is what is packaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import Field

from pipeline.artifacts.kept import Kept
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import progress
from pipeline.measures.keep import Keep
from pipeline.measures.keeping import Judge, Ranking, fewest, within
from pipeline.tasks.agreement import agreement
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.signature import Signature
from pipeline.weights.codec import Encoded, Weight, codecs, decode, encode_all

#: Weights that differ from the float32 model's, and samples -> outputs [n, …] by public name.
Run = Callable[[Mapping[str, Array], Arrays], dict[str, Array]]

WHERE = "quantize.keep"

#: Samples that weights are ranked by; the bounds have to hold on all.
FEW = 8


class KeepOptions(StrictOptions):
    """What encodes the weights, and the bounds."""

    codec: str
    """A module in ``pipeline.optimize`` with a ``CODEC``."""
    codec_options: dict[str, Any] = Field(default={})
    """Keyword arguments of its ``encode``."""
    keep: Keep


def find_kept(
    weights: Sequence[Weight],
    run: Run,
    signature: Signature,
    samples: SamplesFolder,
    options: KeepOptions,
) -> Kept:
    """The fewest weights, of those that do most damage alone, without which the bounds hold.

    To leave k of n takes 2 k log2(n) runs of FEW samples and 2 log2(k) of all of them.

    Args:
        weights: what the codec may encode, their names distinct.
        run: the model with some of them changed.
        signature: of the model.
        samples: their calibration split is what it is measured on.
        options: how.

    Raises:
        ConfigError: a bound is on what the samples' task does not measure.
        PipelineError: a bound says nothing of the model, or no weight can be encoded within them.
    """
    inputs = samples.calibration.inputs(options.keep.samples)
    few = {name: values[:FEW] for name, values in inputs.items()}
    encoded, bounds = _encode_weights(weights, options), options.keep.bounds()
    softmax = {spec.name: spec.softmax for spec in signature.outputs}
    agree = agreement(samples, bounds, WHERE)
    by_few, by_all = (Judge(run({}, some), bounds, WHERE, softmax, agree) for some in (few, inputs))

    def damage(names: Sequence[str]) -> float:
        progress(0.5, f"measuring what {len(names)} of {len(encoded)} weights do")
        return by_few.damage(run(_decode_weights(encoded, names), few))

    ranking = Ranking(list(encoded), damage)

    @cache
    def measure_without(count: int) -> dict[str, float]:
        left = {*ranking.first(count)}
        names = [name for name in encoded if name not in left]
        return by_all.measure(run(_decode_weights(encoded, names), inputs))

    most = max(0, len(encoded) - 1)
    count = fewest(most, lambda count: within(measure_without(count), bounds))
    if count is None:
        raise _too_tight(options, measure_without(most))
    damages = {name: ranking.damages[name] for name in ranking.first(count)}
    return Kept(damages, bounds, measure_without(count), len(next(iter(inputs.values()))))


def _too_tight(options: KeepOptions, measured: Mapping[str, float]) -> PipelineError:
    values = ", ".join(f"{name} {measured[name]:.3g}" for name in options.keep.bounds())
    return PipelineError(
        f"with a single weight in {options.codec} the model has {values}",
        where=WHERE,
        todo="loosen the bound, or use float32 (a variant without quantize)",
    )


_EncodedWeights = Mapping[str, tuple[Weight, Encoded]]


def _encode_weights(weights: Sequence[Weight], options: KeepOptions) -> _EncodedWeights:
    """Those that the codec encodes, by name."""
    encodings = encode_all(codecs()[options.codec], weights, options.codec_options)
    return {
        weight.name: (weight, encoded)
        for weight, encoded in zip(weights, encodings, strict=True)
        if encoded is not None
    }


def _decode_weights(encoded: _EncodedWeights, names: Sequence[str]) -> dict[str, Array]:
    """What a runtime makes of them."""
    return {name: _values(*encoded[name]) for name in names}


def _values(weight: Weight, encoded: Encoded) -> Array:
    per_channel = encoded.zero is not None and encoded.zero.ndim
    return decode(encoded, weight.axis if per_channel else None)
