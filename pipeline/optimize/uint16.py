"""Weights as 16-bit integers on a grid from their minimum to their maximum."""

from __future__ import annotations

from pipeline.optimize.contract import Technique, WeightOptions
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights.codec import Codec, Encoded, affine


class Options(WeightOptions):
    """Weights as uint16; activations stay float32."""


def encode(values: Float32s, axis: int | None) -> Encoded:
    """Re-encode a float32 tensor; ``axis`` is its channel axis, or ``None``."""
    return affine(values, axis, np.uint16)


CODEC = Codec(
    name="uint16",
    version=4,
    bytes_each=2,
    encode=encode,
)

TECHNIQUE = Technique(
    name="uint16",
    key="quantize",
    stage="weights",
    options=Options,
    codec=CODEC,
)
