"""Cross-layer equalization: the channels between two layers get ranges that both can hold.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction"
(arXiv:1906.04721), section 4.1. A channel that a layer makes small and the next one takes large
rounds badly in both; where what lies between is in proportion to it (ReLU, leaky ReLU, pooling,
zero padding, residual sums), a factor can move from one to the other. Factors are powers of two,
which no float32 operation rounds: the function stays exactly the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.base.options import StrictOptions
from pipeline.engine.step import progress, step
from pipeline.optimize.contract import FrozenInputs, Technique
from pipeline.tensors.arrays import Float64s, np

if TYPE_CHECKING:
    from pipeline.graphs.tensorflow.channels import Channels
    from pipeline.graphs.tensorflow.layers import Layer

Vector = Float64s


#: Factors lie between 2^-LARGEST and 2^LARGEST: products stay far from where float32 ends.
LARGEST = 20


class Options(StrictOptions):
    """Move factors between layers until their channels' ranges are alike; exact, needs no data."""

    sweeps: Annotated[int, Field(ge=1, le=1000)] = 40
    """How often all layers are gone through, at most: it ends where nothing moves any more."""


@step(version=1, lane="tensorflow", tools=("tensorflow", "numpy"))
def apply(inputs: FrozenInputs, options: Options, work: Path) -> None:
    """FROZEN -> FROZEN, batch norms folded; ``equalize.json`` says what was scaled, and how far."""
    from pipeline.graphs.tensorflow.network import Network

    network = Network.read(inputs.frozen)
    scaled = equalize(network, options.sweeps)
    network.write(inputs.frozen, work)
    (work / "equalize.json").write_text(json.dumps({"layers": scaled}, indent=1))


def equalize(network: Any, sweeps: int = 40) -> dict[str, dict[str, float]]:
    """Equalize a ``graphs.tensorflow.network.Network`` in place.

    Returns:
        By layer: how many of the channels that it makes were scaled, and the widest factor,
        as a power of two.
    """
    from pipeline.graphs.tensorflow.channels import Channels

    channels = Channels(network)
    ranges = _Ranges(channels)
    for sweep in range(sweeps):
        progress(sweep / sweeps, "equalizing")
        if ranges.sweep() < 0.01:
            break
    exponents = np.clip(np.rint(ranges.exponents), -LARGEST, LARGEST)
    _scale(channels, exponents)
    return {
        layer.name: {"channels": int(np.count_nonzero(moved)), "exponent": int(abs(moved).max())}
        for layer, moved in _list_moved(channels, exponents)
        if moved.any()
    }


def _list_moved(channels: Channels, exponents: Vector) -> Iterator[tuple[Layer, Vector]]:
    for layer, numbers in channels.written.values():
        yield layer, exponents[channels.roots(numbers)]


def _scale(channels: Channels, exponents: Vector) -> None:
    """Scale what makes each channel, and undo it in what reads the channel."""
    network = channels.network
    for name, (layer, numbers) in channels.written.items():
        weights = layer.weights(network)
        groups, _, outputs = weights.shape
        factors = np.exp2(exponents[channels.roots(numbers)]).reshape(groups, 1, outputs)
        if name in channels.read:
            read = np.exp2(exponents[channels.roots(channels.read[name])])
            factors = factors / _by_input(read, weights.shape)
        layer.set_weights(network, (weights * factors).astype(np.float32))
    for offset in channels.offsets:
        value = network.value(offset.node.input[offset.index])
        factors = np.exp2(exponents[channels.roots(offset.channels)])
        network.set_input(offset.node, offset.index, (value * factors).astype(np.float32))


def _by_input(values: Vector, shape: tuple[int, ...]) -> Vector:
    """Values by the channel that is read, to be multiplied with weights of this shape."""
    groups, inputs, _ = shape
    if groups > 1 or (groups == len(values) == 1):
        return values.reshape(groups, 1, 1)
    # The places of a convolution's window come before the channels.
    return np.tile(values, inputs // len(values)).reshape(1, inputs, 1)


class _Ranges:
    """The ranges of all channels, in the layers that make and read them, as powers of two."""

    def __init__(self, channels: Channels) -> None:
        self.exponents = np.zeros(len(channels.parents))
        """By channel number: what its factor is 2 to the power of. That of 0 stays 0."""
        self._layers = []
        for name, (layer, numbers) in channels.written.items():
            size = np.log2(np.maximum(_sizes(layer, channels), ZERO))
            read = channels.read.get(name)
            into = None if read is None else channels.roots(read).reshape(size.shape[0], -1, 1)
            self._layers.append((size, into, channels.roots(numbers).reshape(size.shape[0], 1, -1)))

    def sweep(self) -> float:
        """Move every channel's factor to where its ranges meet; the largest move.

        That is halfway between the (geometric) mean ranges of all that make the channel and of
        all that read it: eq. 11 of the paper where those are one each.
        """
        written, read = _Mean(len(self.exponents)), _Mean(len(self.exponents))
        for size, into, out in self._layers:
            now = size + self.exponents[out]
            if into is not None:
                now = now - self.exponents[into]
                read.add(into, now.max(axis=2, keepdims=True))
            written.add(out, now.max(axis=1, keepdims=True))
        both = (written.count > 0) & (read.count > 0)
        both[0] = False
        move = np.where(both, (read.mean() - written.mean()) / 2, 0.0)
        self.exponents += move
        return float(abs(move).max())


#: What a channel without any weights but zeros counts as having; such stay as they are.
ZERO = 1e-30


def _sizes(layer: Layer, channels: Channels) -> Vector:
    """The largest weight between each channel read and each one made: [groups, read, made]."""
    weights = abs(layer.weights(channels.network)).astype(np.float64)
    groups, _, outputs = weights.shape
    reads = 1 if groups > 1 else layer.reads(channels.network)
    largest: Vector = weights.reshape(groups, -1, reads, outputs).max(axis=1)
    return largest


class _Mean:
    """A mean by channel number, of what is added bit by bit."""

    def __init__(self, count: int) -> None:
        self._total, self.count = np.zeros(count), np.zeros(count)

    def add(self, numbers: Any, values: Vector) -> None:
        real = values > -50
        np.add.at(self._total, numbers[real], values[real])
        np.add.at(self.count, numbers[real], 1)

    def mean(self) -> Vector:
        mean: Vector = self._total / np.maximum(self.count, 1)
        return mean


TECHNIQUE = Technique(
    name="equalize",
    key="equalize",
    stage="frozen",
    options=Options,
    step=apply,
    order=10,
)
