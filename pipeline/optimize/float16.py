"""Weights as IEEE 754 half-precision floats: half the bytes, 11 significant bits."""

from __future__ import annotations

from pipeline.optimize.contract import Technique, WeightOptions
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights.codec import Codec, Encoded


class Options(WeightOptions):
    """Weights as float16; activations stay float32."""


#: The root mean square error of values that all have their 11 bits, as a share of their own.
FITTING = 2.0**-11


def encode(values: Float32s, axis: int | None) -> Encoded | None:
    """Round a float32 tensor to float16; ``None`` where that does not fit its values.

    Float16 ends at 65504, and has fewer bits the nearer a value is to its least, 6e-8.
    """
    with np.errstate(over="ignore"):
        data = values.astype(np.float16)
    if not np.isfinite(data).all():
        return None
    largest = np.abs(values).max(initial=0)
    error = _norm(data.astype(np.float32) - values, largest)
    return Encoded(data) if error <= FITTING * _norm(values, largest) else None


def _norm(values: Float32s, unit: np.float32) -> float:
    """In this unit, so that small squares do not vanish."""
    return float(np.linalg.norm((values / unit).ravel())) if unit else 0.0


CODEC = Codec(
    name="float16",
    version=2,
    bytes_each=2,
    encode=encode,
)

TECHNIQUE = Technique(
    name="float16",
    key="quantize",
    stage="weights",
    options=Options,
    codec=CODEC,
)
