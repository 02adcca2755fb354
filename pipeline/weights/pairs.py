"""What two products of an integer kernel may come to, so that none is cut off on any processor.

Kernels multiply activations of 8 bits by weights of 8 bits and add two products in 16 bits before
they go on in 32. Which two is up to the kernel. Found in ONNX Runtime's MLAS
(github.com/microsoft/onnxruntime, onnxruntime/core/mlas/lib):

- x86 without VNNI (`x86_64/QgemmU8X8KernelAvx2.S`, `ConvSymKernelAvx2.S`, those for AVX-512):
  vpmaddubsw adds neighbours along the inputs, u8 times s8, and saturates at -32768 and 32767.
  Signed activations become unsigned ones, 128 higher, when a model is loaded
  (`core/optimizer/qdq_transformer/qdq_s8_to_u8.cc`), so they saturate as well. Inputs are in the
  order (height, width, channel) for QLinearConv and (channel, height, width) for ConvInteger.
  For unsigned weights the same files have kernels that are exact (vpmaddwd).
- ARM without dot products (`aarch64/QgemmS8S8KernelNeon.S`, `ConvSymS8KernelNeon.S`): smull and
  smlal add the inputs i and i + 8, s8 times s8, and wrap around where two weights are -128;
  depthwise convolutions (`DepthwiseQConvSymS8KernelNeon.S`) add two points of the window.
- WebAssembly (`qgemm_kernel_wasmsimd.cpp`) widens to 16 bits and adds in 32 bits, exactly.
  With relaxed SIMD (`qgemm_kernel_wasmrelaxedsimd.cpp`) it takes the 8-bit dot product only where a
  trial at start shows that this neither saturates nor takes the wrong sign. WebGPU has no integer
  kernel for these operators.

So the bound is on any two weights of one output channel, in whatever order they are read. An
unsigned activation is at most 255: 255 * (|a| + |b|) <= 32767 for two weights of one sign, and two
of different signs never add up. Whole numbers keep it where |a| + |b| <= 128 (255 * 128 = 32640).
Signed activations, at least -128, keep theirs where |a| + |b| <= 255. Seven bits, -64 to 63, always
do; a channel with one large weight may have one up to 127.
"""

from __future__ import annotations

from typing import Any

from pipeline.tensors.arrays import Float64s, np

#: The largest unsigned activation.
ACTIVATION = 255

#: What 16 bits hold.
LARGEST_SUM = 2**15 - 1

#: The sum of two weights of one sign.
LIMIT = LARGEST_SUM // ACTIVATION

#: A magnitude that any two weights may have.
HALF = LIMIT // 2

#: As many values has a grid that every two weights may lie on.
LEVELS = 2 * HALF + 1

#: The largest magnitude of int8 that is one with both signs.
HIGHEST = 127


def largest(rows: Any) -> Float64s:
    """The largest sum of the magnitudes of two values of one sign, of each row.

    Args:
        rows: numbers [channels, values]; a value that is the only one of its sign counts alone.
    """
    sums: Float64s = np.maximum(_two(rows).sum(axis=0), _two(-_wide(rows)).sum(axis=0))
    return sums


def limit_pairs(rows: Float64s) -> Float64s:
    """Whole numbers [channels, values] with those clipped that are too large for the bound.

    Only the largest of a row is, where the second leaves it more than half.
    """
    high, low = (np.clip(LIMIT - _two(side)[0], HALF, HIGHEST) for side in (rows, -rows))
    clipped: Float64s = np.clip(rows, -low[:, None], high[:, None])
    return clipped


def room(rows: Float64s) -> Float64s:
    """How large a value of each row may become, [channels, 1], all of them at once, and the bound
    be kept; for rows that keep it."""
    top = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    free: Float64s = np.where(top <= HALF, HALF, LIMIT - top)
    return free


def _two(rows: Any) -> Float64s:
    """The second largest and the largest value of each row, [2, channels]; at least 0."""
    values = _wide(rows)
    if values.shape[1] < 2:
        values = np.pad(values, ((0, 0), (2 - values.shape[1], 0)))
    return np.maximum(np.partition(values, -2, axis=1)[:, -2:].T, 0)


def _wide(rows: Any) -> Float64s:
    """int8 would wrap around."""
    return np.asarray(rows, np.float64)
