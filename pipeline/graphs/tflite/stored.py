"""How TFLite stores numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipeline.graphs.tflite.model import Quantization, Tensor
from pipeline.tensors.arrays import Array, np

#: The schema's number of a type -> NumPy's name; what is not here holds no numbers.
DTYPES = {
    **{0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool"},
    **{7: "int16", 8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64"},
    **{13: "resource", 14: "variant", 15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16"},
}
_BFLOAT16 = 16


def unpack(stored: Array, dtype: str, shape: Sequence[int] | None = None) -> Array:
    """Bytes as an array, without a copy where a NumPy dtype has them.

    Args:
        stored: uint8 [n].
        shape: ``None`` for one dimension.

    Raises:
        ValueError: there are too few or too many of them, or they are no numbers.
    """
    if dtype == "int4":
        values = _nibbles(stored)
        values = values[: math.prod(shape)] if shape is not None else values
    elif dtype == "bfloat16":
        values = (stored.view("<u2").astype(np.uint32) << _BFLOAT16).view(np.float32)
    elif dtype in ("string", "resource", "variant"):
        raise ValueError(f"constants of the type {dtype}")
    else:
        values = stored.view(np.dtype(dtype).newbyteorder("<"))
    return values.reshape(shape) if shape is not None else values


def _nibbles(stored: Array) -> Array:
    """int4, two in a byte, the lower half first, as int8."""
    signed = stored.view(np.int8)
    return np.stack([np.left_shift(signed, 4) >> 4, signed >> 4], 1).reshape(-1)


def is_real(tensor: Tensor) -> bool:
    """Does it stand for real numbers, whatever it stores?"""
    return tensor.dtype in ("float16", "bfloat16") or tensor.quantization is not None


def is_rounded(tensor: Tensor) -> bool:
    """Does it store real numbers as integers?"""
    return tensor.quantization is not None and "int" in tensor.dtype


def dequantize(values: Array, how: Quantization | None) -> Array:
    """Stored numbers as the float32 that they stand for."""
    if how is None:
        return values.astype(np.float32)
    sizes = [1] * values.ndim
    if how.scale.size > 1:
        sizes[how.axis] = how.scale.size
    zero = np.broadcast_to(how.zero_point, how.scale.shape)
    scale, zero = how.scale.reshape(sizes), zero.reshape(sizes)
    # int64: a bias is an int32, less a zero point.
    return (values.astype(np.int64) - zero).astype(np.float32) * scale
