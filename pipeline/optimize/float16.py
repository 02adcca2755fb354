"""Weights as IEEE 754 half-precision floats: half the bytes, 11 significant bits."""

from __future__ import annotations

from pipeline.base import options
from pipeline.base.errors import PipelineError
from pipeline.optimize.contract import Technique
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights.codec import Codec, Encoded


class Options(options.Options):
    """Weights as float16; activations stay float32."""


def encode(values: Float32s, axis: int | None) -> Encoded:
    """Round a float32 tensor to float16.

    Raises:
        PipelineError: a weight is larger than float16 can hold (65504).
    """
    with np.errstate(over="ignore"):
        data = values.astype(np.float16)
    if not np.isfinite(data).all():
        largest = float(np.abs(values).max())
        raise PipelineError(
            f"a weight of {largest:.6g} does not fit float16, which ends at 65504",
            todo="use quantize: uint16, or scale the layer",
        )
    return Encoded(data)


CODEC = Codec(
    name="float16",
    version=1,
    encode=encode,
)

TECHNIQUE = Technique(
    name="float16",
    key="quantize",
    stage="weights",
    options=Options,
    codec=CODEC,
)
