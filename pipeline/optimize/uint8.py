"""Weights as 8-bit integers on grids, and as short float16 where those would do harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from pipeline.optimize.contract import Technique, WeightOptions
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights.codec import Codec, Encoded, Weight, affine, exact, on_grid, rounded

Granularity = Literal["per-channel", "per-tensor"]


class Options(WeightOptions):
    """Weights as uint8; activations stay float32."""

    levels: Annotated[int, Field(ge=3, le=256)] = 256
    """How many values a weight may have: fewer compress to fewer bytes. Three are zero and one on
    either side. Weights that earlier techniques have put on a grid stay there."""

    granularity: Granularity = "per-channel"
    """Whether output channels may have scales of their own. TF.js' format has one per tensor: there
    it takes a product behind the layer, which is made where earlier techniques have put each
    channel on a grid of few levels."""

    mixed: bool = True
    """Share the bytes that all weights would take, after compression, so that accuracy suffers
    least: tensors of few weights and biases become float16 of few significant bits, the largest
    tensors get fewer levels. TF.js has read both since 2020, and runs them as fast."""


def encode(
    values: Float32s,
    axis: int | None,
    *,
    levels: int = 256,
    granularity: Granularity = "per-channel",
) -> Encoded:
    """Re-encode one float32 tensor; ``axis`` is its channel axis, or ``None``."""
    return affine(values, axis if granularity == "per-channel" else None, np.uint8, levels)


def encode_all(
    weights: Sequence[Weight],
    *,
    levels: int = 256,
    granularity: Granularity = "per-channel",
    mixed: bool = True,
    settled: bool = False,
) -> list[Encoded | None]:
    """Re-encode a model's weights; a bias that stays float32 is ``None``.

    Args:
        weights: what the format can encode.
        levels: see ``Options``.
        granularity: see ``Options``.
        mixed: see ``Options``.
        settled: whether techniques before have chosen each weight: it then becomes what holds it
            exactly, float16 or uint16 too.
    """
    if granularity == "per-tensor":
        weights = [replace(weight, axis=None) for weight in weights]
    encoded = [_leave(weight, settled) for weight in weights]
    left = [
        i
        for i, weight in enumerate(weights)
        if encoded[i] is None and not (weight.bias and (not mixed or _is_large(weight)))
    ]
    if mixed:
        from pipeline.weights.allocation import allocate

        encodings = allocate([weights[i] for i in left], levels)
    else:
        encodings = [rounded(weights[i].values, weights[i].axis, np.uint8, levels) for i in left]
    for i, encoding in zip(left, encodings, strict=True):
        encoded[i] = encoding
    return encoded


def _is_large(weight: Weight) -> bool:
    """Whether float16 cannot hold it."""
    return bool(np.abs(weight.values).max() > np.finfo(np.float16).max)


def _leave(weight: Weight, settled: bool) -> Encoded | None:
    """A weight that is left where it is."""
    from pipeline.weights import grid

    if weight.bias and not settled:
        return None
    encoded = exact(weight) if settled else on_grid(weight.values, weight.axis, np.uint8)
    if encoded is not None or weight.axis is not None:
        return encoded
    # One scale cannot hold grids of several channels. Float16 moves the last of 128 steps by a
    # sixteenth of a step, and others by less.
    for axis in weight.sides or ():
        if not _is_large(weight) and grid.find(weight.values, axis, 256):
            return Encoded(weight.values.astype(np.float16))
    return None


CODEC = Codec(
    name="uint8",
    version=5,
    bytes_each=1,
    encode=encode,
    encode_all=encode_all,
)

TECHNIQUE = Technique(
    name="uint8",
    key="quantize",
    stage="weights",
    options=Options,
    codec=CODEC,
    search={"levels": (256, 64, 32, 16, 12, 8)},
)
