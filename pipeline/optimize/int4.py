"""Weights as 4-bit integers in blocks along the input channels, each block with its own scale.

ONNX's DequantizeLinear reads them since opset 21. Native onnxruntime 1.31 and ONNX Runtime Web 1.30
(wasm) run it in front of convolutions, whose weights they decode anew for each inference (the
bundled model: 5 times the time natively, 1.6 times in wasm), and of matrix products, which they
compute with the 4-bit weights and with activations rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from pipeline.optimize import uint8
from pipeline.optimize.contract import Technique, WeightOptions
from pipeline.tensors.arrays import Float32s, np
from pipeline.weights.codec import Codec, Encoded, Weight

#: Scales tried for each block, as shares of the one that reaches its largest weight: the error of
#: the largest may well grow if those of all others shrink.
SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)

#: Integers go from -LARGEST to LARGEST.
LARGEST = 7


class Options(WeightOptions):
    """Weights as 4-bit integers in blocks (ONNX, opset 21); activations stay float32."""

    block: Annotated[int, Field(ge=16, le=1024)] = 32
    """Weights that share a scale. Fewer are more precise, and their scales take more bytes."""


def encode(values: Float32s, axis: int | None, *, block: int = 32) -> Encoded:
    """Re-encode one float32 tensor; ``axis`` is its output channels', or ``None``."""
    return encode_all([Weight(values, axis)], block=block)[0] or uint8.encode(values, axis)


def encode_all(
    weights: Sequence[Weight], *, block: int = 32, settled: bool = False
) -> list[Encoded | None]:
    """Re-encode a model's weights; biases stay float32.

    Tensors with too few input channels for a block, as those of depthwise and first convolutions,
    become uint8, and what lies on a grid already stays there.
    """
    encodings: list[Encoded | None] = []
    for weight in weights:
        (encoding,) = uint8.encode_all([weight], mixed=False, settled=settled)
        along = _inputs(weight)
        fitting = not weight.bias and weight.values.shape[along] >= block
        if fitting and not _is_kept(weight, encoding):
            encoding = in_blocks(weight.values, along, block)
        encodings.append(encoding)
    return encodings


def _inputs(weight: Weight) -> int:
    """The axis that is summed over: the other one of the channels', or the last."""
    rank = weight.values.ndim
    sides = weight.sides or (max(rank - 2, 0), rank - 1)
    return sides[0] if weight.axis == sides[1] else sides[1]


def _is_kept(weight: Weight, encoded: Encoded | None) -> bool:
    from pipeline.weights.codec import decode

    return encoded is not None and np.array_equal(decode(encoded, weight.axis), weight.values)


def in_blocks(values: Float32s, axis: int, block: int) -> Encoded:
    """Round to 4-bit integers with a scale for each block along an axis.

    Returns:
        ``data`` int8 in the shape of the values; ``scale`` in the same but for ``axis``, along
        which there is one per block.
    """
    moved = np.moveaxis(values, axis, -1)
    size = moved.shape[-1]
    count = -(-size // block)
    padded = np.zeros((*moved.shape[:-1], count * block), np.float32)
    padded[..., :size] = moved
    blocks = padded.reshape(*moved.shape[:-1], count, block)
    scale = _scales(blocks)
    numbers = _nearest(blocks, scale).reshape(padded.shape)[..., :size]
    return Encoded(
        np.moveaxis(numbers, -1, axis).astype(np.int8), np.moveaxis(scale, -1, axis), block=block
    )


def _scales(blocks: Float32s) -> Float32s:
    """For blocks along the last axis, those with the least squares of errors; 8 significant bits,
    since what follows would compress badly."""
    from pipeline.weights.bits import significant

    reach = np.abs(blocks).max(axis=-1) / LARGEST
    reach = np.where(reach > 0, reach, np.float32(1))
    best = np.full(reach.shape, np.inf, np.float32)
    scales = reach
    for share in SHARES:
        scale = significant(reach * np.float32(share), 8).astype(np.float32)
        error = ((_nearest(blocks, scale) * scale[..., None] - blocks) ** 2).sum(axis=-1)
        scales = np.where(error < best, scale, scales)
        best = np.minimum(error, best)
    return scales


def _nearest(blocks: Float32s, scale: Float32s) -> Float32s:
    numbers: Float32s = np.clip(np.rint(blocks / scale[..., None]), -LARGEST, LARGEST)
    return numbers


CODEC = Codec(
    name="int4",
    version=2,
    bytes_each=0.5,
    encode=encode,
    encode_all=encode_all,
)

TECHNIQUE = Technique(
    name="int4",
    key="quantize",
    stage="weights",
    options=Options,
    codec=CODEC,
    formats=("onnx",),
    reason="TF.js has no 4-bit weights; quantize: {to: uint8, levels: 16} compresses as well",
)
