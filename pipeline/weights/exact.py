"""Which weights stay float32 though a codec stores others in fewer bits, and what that costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.tensors.arrays import np
from pipeline.weights.codec import Codec, Encoded, Weight, encode_all
from pipeline.weights.tables import is_fourier

Why = Literal["keep", "fourier", "range"]


@dataclass(frozen=True)
class Exact:
    """One of them."""

    name: str
    """What its format calls it."""
    shape: list[int]
    more_bytes: int
    """Than it would take in fewer bits, before compression."""
    why: Why
    """Its damage is among the largest; it is a table of a Fourier transform; or there is no
    encoding for the range of its values."""

    def described(self) -> dict[str, Any]:
        """As artifacts and manifests have it."""
        return asdict(self)


def encode(
    codec: Codec,
    weights: Sequence[Weight],
    options: Mapping[str, Any],
    kept: Collection[str] = (),
) -> tuple[list[Encoded | None], list[Exact]]:
    """Encode a model's weights; ``None`` stays float32.

    Args:
        codec: how.
        weights: of one model, their names distinct.
        options: the codec's.
        kept: names of those that are to stay; what becomes of the others does not depend on it.

    Raises:
        PipelineError: a weight is not a number.
    """
    encodings = encode_all(codec, weights, options)
    encoded = [
        None if weight.name in kept else encoding
        for weight, encoding in zip(weights, encodings, strict=True)
    ]
    exact = [
        Exact(weight.name, list(weight.values.shape), _more_bytes(codec, weight, encoding), why)
        for weight, encoding in zip(weights, encodings, strict=True)
        if (why := _why(weight, encoding, kept))
    ]
    return encoded, exact


def _more_bytes(codec: Codec, weight: Weight, encoded: Encoded | None) -> int:
    mixed = encoded is not None and encoded.block is None
    each = encoded.data.itemsize if encoded is not None and mixed else codec.bytes_each
    return weight.values.nbytes - round(weight.values.size * each)


def _why(weight: Weight, encoded: Encoded | None, kept: Collection[str]) -> Why | None:
    """``None`` where it does not stay, or is a bias that no codec of this kind takes."""
    if weight.name in kept:
        return "keep"
    if encoded is not None or weight.bias:
        return None
    finite = bool(np.isfinite(weight.values).all())
    return "fourier" if finite and is_fourier(weight.values) else "range"
