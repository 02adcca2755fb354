"""Finds the few weights to leave in float32, so that the others may be stored in fewer bits.

Each format runs its own float32 model with some weights as their codec gives them back. Which
others are left changes no encoding, so that what is measured is what is packaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from pipeline.artifacts.kept import Kept
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base import options
from pipeline.base.errors import PipelineError
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


class KeepOptions(options.Options):
    """What encodes the weights, and the bounds."""

    codec: str
    """A module in ``pipeline.optimize`` with a ``CODEC``."""
    codec_options: dict[str, Any] = Field(default={})
    """Keyword arguments of its ``encode``."""
    keep: Keep


def find(
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
    given = samples.calibration.inputs(options.keep.samples)
    encoded = _encoded(weights, options)
    bounds, softmax = options.keep.bounds(), {one.name: one.softmax for one in signature.outputs}
    agree = agreement(samples.folder, bounds, WHERE)

    def judge(inputs: Arrays) -> Judge:
        return Judge(run({}, inputs), bounds, WHERE, softmax, agree)

    few = {name: values[:FEW] for name, values in given.items()}
    by_few, by_all = judge(few), judge(given)

    def damage(some: Sequence[str]) -> float:
        progress(0.5, f"measuring what {len(some)} of {len(encoded)} weights do")
        return by_few.damage(run(_decoded(encoded, some), few))

    ranking = Ranking(list(encoded), damage)
    measured: dict[int, dict[str, float]] = {}

    def enough(count: int) -> bool:
        left = {*ranking.first(count)}
        changed = _decoded(encoded, [name for name in encoded if name not in left])
        measured[count] = by_all.measure(run(changed, given))
        return within(measured[count], bounds)

    most = max(0, len(encoded) - 1)
    count = fewest(most, enough)
    if count is None:
        raise _too_tight(options, measured[most])
    damages = {name: ranking.damages[name] for name in ranking.first(count)}
    return Kept(damages, bounds, measured[count], len(next(iter(given.values()))))


def _too_tight(options: KeepOptions, measured: Mapping[str, float]) -> PipelineError:
    found = ", ".join(f"{name} {measured[name]:.3g}" for name in options.keep.bounds())
    return PipelineError(
        f"with a single weight in {options.codec} the model has {found}",
        where=WHERE,
        todo="loosen the bound, or use float32 (a variant without quantize)",
    )


_Moved = Mapping[str, tuple[Weight, Encoded]]


def _encoded(weights: Sequence[Weight], options: KeepOptions) -> _Moved:
    """Those that the codec encodes, by name."""
    found = encode_all(codecs()[options.codec], weights, options.codec_options)
    return {
        weight.name: (weight, one)
        for weight, one in zip(weights, found, strict=True)
        if one is not None
    }


def _decoded(encoded: _Moved, names: Sequence[str]) -> dict[str, Array]:
    """What a runtime makes of them."""
    return {name: _values(*encoded[name]) for name in names}


def _values(weight: Weight, encoded: Encoded) -> Array:
    per_channel = encoded.zero is not None and encoded.zero.ndim
    return decode(encoded, weight.axis if per_channel else None)
