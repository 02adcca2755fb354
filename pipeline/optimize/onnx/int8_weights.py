"""What int8.py makes of weights and biases, so that they are small on the wire and exact.

Weights are int8 with a scale per output channel and zero at 0. A channel that already lies on
such a grid, by learned rounding or training, keeps its values. For others the scale is the one
with the least squared error among floats of few bits: those take one byte of four after brotli.
With fewer than eight bits that error clips, but the weights are not: large ones are rare, so that
they cost little after brotli (entropy-coded uniform steps, Gish and Pierce 1968, doi
10.1109/TIT.1968.1054193). Weights are rounded so that the errors of a channel cancel, which keeps
the mean of what it gives to inputs alike (SQuant, Guo et al. 2022, arXiv:2202.07471); those that
are zero stay zero.

Portable weights also keep the bound of ``pairs``: no two of a channel are so large that a kernel
cuts off the sum of their products. Eight bits become about seven by that, and no more: where one
weight stands out, the steps stay finer. A grid that goes beyond is left for one that does not.

Biases stay float32, as multiples of a power of two that is small against the output's step: so
they need no scales of their own, twice as many bytes as the biases. ONNX Runtime makes int32 of
them when it loads a model (since 1.21, natively and in browsers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, large_tensor
from pipeline.engine.step import progress
from pipeline.optimize.onnx.stand_ins import SUFFIX
from pipeline.tensors.arrays import Float32s, Float64s, Int64s, NDArray, np
from pipeline.weights import grid, pairs
from pipeline.weights.bits import significant_above

Rows = Float64s

#: Significant bits of a weight's scale.
SCALE_BITS = 4

#: Scales that are tried: so many below the one with which every weight fits, as far as 1/4 of it.
TRIED = 2 * 2 ** (SCALE_BITS - 1)

#: Tensors of fewer values, and channels of no more, are small: 25 are a depthwise 5x5.
SMALL_TENSOR, SMALL_CHANNEL = 1024, 32

#: Of the output's step, the largest error of a bias.
BIAS_ERROR = 1 / 8

#: The largest bias in units of the products' scale; beyond int32 it would wrap around.
LARGEST_BIAS = 2.0**30

#: Operators with a weight at input 1 and, but for MatMul, a bias at input 2.
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")

#: So many weights are quantized at once, or one channel: for each there are some float64 numbers.
BLOCK_VALUES = 2**20

#: Of int8. Only a grid that values lie on already may go to the lower end.
LOWEST, HIGHEST = -128, pairs.HIGHEST


@dataclass(frozen=True)
class Bits:
    """How fine the steps of weights are, as bits of an integer, 2 to 8 and not always whole."""

    large: float
    small: float
    """At least so many where a tensor or its channels have few values: these hold few bytes and
    suffer most, above all depthwise convolutions."""
    portable: bool = True
    """Whether products have to fit 16 bits in pairs, which some processors add them in."""

    def of(self, rows: Float32s | Rows) -> float:
        """Of a tensor [channels, values]."""
        few = rows.size < SMALL_TENSOR or rows.shape[1] <= SMALL_CHANNEL
        return max(self.large, self.small) if few else self.large


@dataclass(frozen=True)
class Weights:
    """What the trials of one model share."""

    large: LargeTensors
    """The files of its large tensors, where those of quantized ones go too."""
    chosen: dict[tuple[str, bytes], tuple[Any, Any]] = field(default_factory=dict)
    """What a weight of this name, with these least scales, became: its numbers and its scales."""


def refine(model: Any, originals: Mapping[str, Any], bits: Bits, weights: Weights) -> set[str]:
    """Choose weights and biases anew in a graph that onnxruntime's quantizer made.

    Args:
        model: ``onnx.ModelProto`` with biases in float32; changed in place.
        originals: name -> the float32 ``onnx.TensorProto`` of each constant before.
        bits: how fine the steps of weights are.
        weights: what trials of the same model before have chosen; it is chosen once.

    Returns:
        The names of the weights that were chosen.
    """
    graph = _Graph(model.graph)
    done: set[str] = set()
    for node in model.graph.node:
        decoder = graph.decoder(node, 1) if node.op_type in WEIGHTED else None
        if decoder is None or decoder.input[0] not in graph.constants:
            continue
        data = decoder.input[0]
        original = originals.get(data.removesuffix(SUFFIX))
        if original is not None and data not in done:
            done.add(data)
            key = (data, _least_scale(graph, data).tobytes())
            if key not in weights.chosen:
                progress(len(done) / len(originals), "quantizing weights")
                weights.chosen[key] = _quantize_weight(
                    graph, decoder, original, bits, weights.large
                )
            for name, tensor in zip(decoder.input, weights.chosen[key], strict=False):
                graph.constants[name].CopyFrom(tensor)
        _refine_bias(graph, node)
    return done


class _Graph:
    """Who makes and who reads what."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.producer = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def decoder(self, node: Any, position: int) -> Any | None:
        """The DequantizeLinear that makes an input of a node."""
        maker = self.producer.get(node.input[position]) if len(node.input) > position else None
        return maker if maker is not None and maker.op_type == "DequantizeLinear" else None

    def array(self, name: str) -> Any:
        from onnx import numpy_helper

        return numpy_helper.to_array(self.constants[name])

    def replace(self, name: str, values: Any) -> None:
        from onnx import numpy_helper

        self.constants[name].CopyFrom(numpy_helper.from_array(values, name))


def _least_scale(graph: _Graph, data: str) -> Any:
    """Of a weight's channels, the scale below which a reader's bias does not fit int32.

    A channel whose weights are next to nothing can have a bias of any size.
    """
    least: Any = np.zeros(())
    for decoder in graph.readers[data]:
        channels = graph.array(decoder.input[1]).size
        for node in graph.readers[decoder.output[0]]:
            bias, before = _bias(graph, node), graph.decoder(node, 0)
            if bias is not None and before is not None and before.input[1] in graph.constants:
                step = graph.array(before.input[1]).astype(np.float64)
                largest = _largest(bias, channels)
                least = np.maximum(least, largest / (LARGEST_BIAS * step))
    return least


def _largest(bias: Any, channels: int) -> Any:
    """The largest magnitude of a bias for each channel of a weight, or in all.

    The groups of a transposed convolution share the channels of its weight, [in, channels, …], and
    each has a bias of its own: [groups * channels].
    """
    magnitudes = np.abs(bias).reshape(-1)
    if magnitudes.size % channels:
        return magnitudes.max()
    return magnitudes.reshape(-1, channels).max(axis=0)


def _bias(graph: _Graph, node: Any) -> Any | None:
    """A constant float32 bias."""
    name = node.input[2] if len(node.input) > 2 else ""
    tensor = graph.constants.get(name)
    return graph.array(name).astype(float) if tensor is not None and tensor.data_type == 1 else None


def _quantize_weight(
    graph: _Graph, decoder: Any, original: Any, bits: Bits, large: LargeTensors
) -> tuple[Any, Any]:
    """A weight's numbers and scales, with the axis or without one that ``decoder`` has."""
    from onnx import numpy_helper

    data, scale = decoder.input[:2]
    values, least = array_of(original, large), _least_scale(graph, data)
    before = graph.array(scale)
    axis = next((item.i for item in decoder.attribute if item.name == "axis"), 1)
    moved = np.moveaxis(values, axis, 0) if before.ndim else values[None]
    rows = moved.reshape(len(moved), -1)
    numbers, row_scales = quantize(rows, bits.of(rows), least, portable=bits.portable)
    numbers = numbers.reshape(moved.shape)
    numbers = np.moveaxis(numbers, 0, axis) if before.ndim else numbers[0]
    scales = row_scales.astype(np.float32).reshape(before.shape)
    return large_tensor(data, numbers, large), numpy_helper.from_array(scales, scale)


def quantize(
    rows: Float32s | Rows, bits: float, least: Any, *, portable: bool
) -> tuple[NDArray[np.int8], Rows]:
    """The integers of float32 values, and the scale of each row.

    Args:
        rows: [channels, values].
        bits: how fine the steps are of a row that is on no grid yet.
        least: the smallest scale, for each channel or for all.
        portable: whether the bound of ``pairs`` is kept.
    """
    floor = np.broadcast_to(least if len(rows) > 1 else np.max(least), len(rows))
    floor = significant_above(floor, SCALE_BITS)
    numbers, scales = np.zeros(rows.shape, np.int8), np.zeros(len(rows))
    count = max(1, BLOCK_VALUES // max(1, rows.shape[1]))
    for start in range(0, len(rows), count):
        block = slice(start, start + count)
        # Each row in one piece, of a transposed weight too: that takes less than half of the time.
        wide = rows[block].astype(np.float64, order="C")
        quantized = _quantize_block(wide, bits, floor[block], portable=portable)
        numbers[block], scales[block] = quantized
    return numbers, scales


def _quantize_block(
    rows: Rows, bits: float, floor: Rows, *, portable: bool
) -> tuple[NDArray[np.int8], Rows]:
    """``quantize``, with the smallest scale of each row."""
    highest = 2 ** (bits - 1) - 1
    widest = np.abs(rows).max(axis=1, initial=0) / highest
    if portable:
        widest = np.maximum(widest, pairs.largest(rows) / pairs.LIMIT)
    widest = np.where(widest > 0, widest, 1.0)
    limit = pairs.limit_pairs if portable else _int8
    scales = np.maximum(_least_error(rows, widest, highest, limit), floor)
    nearest = limit(np.rint(rows / scales[:, None]))
    room = pairs.room(nearest) if portable else np.full((len(rows), 1), HIGHEST)
    numbers = _rounded(rows / scales[:, None], nearest, room)
    for i, row in enumerate(rows):
        exact = grid.find(row.astype(np.float32), None, 256)
        if exact and exact.scale >= floor[i] and _fits(exact.numbers, portable=portable):
            numbers[i], scales[i] = exact.numbers, exact.scale
    return numbers, scales


def _int8(rows: Rows) -> Rows:
    clipped: Rows = np.clip(rows, -HIGHEST, HIGHEST)
    return clipped


def _rounded(rows: Rows, nearest: Rows, room: Rows) -> NDArray[np.int8]:
    """The nearest integers, but for as many of each row, those nearest to a half, that errors sum
    up to half a step at most; zeros stay, and none is turned to what is larger than ``room``."""
    errors = np.rint(rows) - rows
    sums = errors.sum(axis=1, keepdims=True)
    # How much rounding the other way would take off the sum, and cost little.
    free = (rows != 0) & (np.abs(nearest - np.sign(sums)) <= np.maximum(room, np.abs(nearest)))
    gains = np.where(free, errors * np.sign(sums), 0)
    order = np.argsort(-gains, axis=1, kind="stable")
    turned = np.arange(rows.shape[1]) < np.rint(np.abs(sums))
    steps = np.zeros_like(rows)
    np.put_along_axis(steps, order, turned * np.sign(sums), axis=1)
    return (nearest - np.where(gains > 0, steps, 0)).astype(np.int8)


def _fits(numbers: Int64s, *, portable: bool) -> bool:
    if portable and pairs.largest(numbers.reshape(1, -1))[0] > pairs.LIMIT:
        return False
    return bool(numbers.min(initial=0) >= LOWEST and numbers.max(initial=0) <= HIGHEST)


def _least_error(rows: Rows, widest: Rows, highest: float, limit: Callable[[Rows], Rows]) -> Rows:
    """Of the floats of SCALE_BITS bits below ``widest`` those with the least squared error."""
    best: Rows = significant_above(widest, SCALE_BITS)
    scale, least = best, np.full(len(rows), np.inf)
    for _ in range(TRIED):
        numbers = np.clip(np.rint(rows / scale[:, None]), -highest, highest)
        rounded = limit(numbers) * scale[:, None]
        error = ((rounded - rows) ** 2).sum(axis=1)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
        scale = _next_below(scale)
    return best


def _next_below(values: Rows) -> Rows:
    """The next smaller floats of SCALE_BITS significant bits."""
    mantissas, exponents = np.frexp(values)
    whole = np.ldexp(mantissas, SCALE_BITS)
    half = whole <= 2 ** (SCALE_BITS - 1)
    lower = np.where(half, 2 * whole - 1, whole - 1)
    return np.asarray(np.ldexp(lower, exponents - SCALE_BITS - half))


def _refine_bias(graph: _Graph, node: Any) -> None:
    """Round a bias to a multiple of a power of two that is small against the output's step."""
    bias = _bias(graph, node)
    if bias is None or len(graph.readers[node.input[2]]) > 1:
        return
    readers = graph.readers.get(node.output[0], [])
    encoder = next((reader for reader in readers if reader.op_type == "QuantizeLinear"), None)
    if encoder is None or encoder.input[1] not in graph.constants:
        return
    step = 2.0 ** np.floor(np.log2(2 * BIAS_ERROR * float(graph.array(encoder.input[1]))))
    graph.replace(node.input[2], (np.rint(bias / step) * step).astype(np.float32))
