"""Which channels of a graph have to be scaled alike, for its function to stay the same.

Every node's channels (its last axis) are numbered. What an operator passes on by channel, in
proportion, keeps its numbers; where two tensors are added their numbers are joined. Number 0 is
that of channels that no factor may change: a graph's inputs and outputs, and all that bounds or
bends its argument otherwise than in proportion to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.graphs.tensorflow.layers import ADDITIONS, Layer, layers
from pipeline.graphs.tensorflow.network import Network, base
from pipeline.tensors.arrays import Array, np

#: f(s x) = s f(x) for every s > 0, each channel by itself, the first input's.
PROPORTIONAL = frozenset(
    {
        *("Relu", "LeakyRelu", "Neg", "Abs", "Identity", "StopGradient", "MaxPool", "AvgPool"),
        *("ResizeBilinear", "ResizeNearestNeighbor", "Snapshot"),
    }
)
SUMS = frozenset({"Mean", "Sum", "Max", "Min"})
PADS = frozenset({"Pad", "PadV2", "MirrorPad"})
#: f(s x, s y) = s f(x, y).
JOINT = frozenset({"Add", "AddV2", "AddN", "Sub", "Maximum", "Minimum"})


@dataclass(frozen=True)
class Offset:
    """A constant that is added to channels, and so has to be scaled with them."""

    node: Any
    index: int
    """Which of the node's inputs."""
    channels: Array


@dataclass
class Channels:
    """The numbering of a network's channels."""

    network: Network
    parents: list[int] = field(default_factory=lambda: [0])
    written: dict[str, tuple[Layer, Array]] = field(default_factory=dict)
    """Layer name -> the layer, and the numbers of the channels that it makes."""
    read: dict[str, Array] = field(default_factory=dict)
    """Layer name -> the numbers of the channels that it reads."""
    offsets: list[Offset] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._layers = {layer.name: layer for layer in layers(self.network)}
        self._of: dict[str, Array | None] = {}
        for node in self.network.in_order():
            self._of[node.name] = self._visit(node)
        for spec in self.network.signature.outputs:
            self._fix(self._of[spec.name])

    def roots(self, numbers: Array) -> Array:
        """The number that stands for all that each is joined with."""
        return np.array([self._root(int(number)) for number in numbers], np.int64)

    def _root(self, number: int) -> int:
        while self.parents[number] != number:
            self.parents[number] = self.parents[self.parents[number]]
            number = self.parents[number]
        return number

    def _join(self, first: Array, second: Array) -> None:
        for a, b in zip(first, second, strict=True):
            low, high = sorted((self._root(int(a)), self._root(int(b))))
            self.parents[high] = low

    def _fix(self, numbers: Array | None) -> None:
        for number in () if numbers is None else numbers:
            self.parents[self._root(int(number))] = 0

    def _new(self, count: int) -> Array:
        first = len(self.parents)
        self.parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def _size(self, name: str) -> int | None:
        shape = self.network.shape(name)
        return shape[-1] if shape else None

    def _visit(self, node: Any) -> Array | None:
        """The numbers of a node's channels; ``None`` where no factor may change them."""
        if node.name in self._layers:
            return self._layer(self._layers[node.name])
        sources = [source for source in node.input if not source.startswith("^")]
        inputs = [self._of.get(base(s)) if ":" not in s else None for s in sources]
        rule = self._rule(node)
        result = rule(node, sources, inputs) if rule else None
        if result is None:
            for numbers in inputs:
                self._fix(numbers)
        return result

    def _rule(self, node: Any) -> Callable[[Any, list[str], list[Array | None]], Any] | None:
        rules = {
            **dict.fromkeys(PROPORTIONAL, self._same),
            **dict.fromkeys(SUMS | PADS, self._along_other_axes),
            **dict.fromkeys(JOINT | ADDITIONS, self._added),
            **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), self._reshaped),
            **dict.fromkeys(("Mul", "RealDiv"), self._multiplied),
            "ConcatV2": self._joined,
        }
        return rules.get(node.op)

    def _layer(self, layer: Layer) -> Array | None:
        source = layer.node.input[0]
        numbers = self._of.get(base(source)) if ":" not in source else None
        if numbers is not None and len(numbers) == layer.reads(self.network):
            self.read[layer.name] = numbers
        else:
            self._fix(numbers)
        channels = self._new(layer.channels(self.network))
        self.written[layer.name] = layer, channels
        return channels

    def _same(self, node: Any, sources: list[str], inputs: list[Array | None]) -> Array | None:
        layout = node.attr["data_format"].s if "data_format" in node.attr else b""
        return inputs[0] if layout in (b"", b"NHWC") else None

    def _along_other_axes(
        self, node: Any, sources: list[str], inputs: list[Array | None]
    ) -> Array | None:
        """Reductions and paddings that leave the last axis alone; paddings with zeros."""
        rank = len(self.network.shape(sources[0]) or ())
        value = self.network.constant(sources[1])
        if value is None or not rank:
            return None
        if node.op in SUMS:
            axes = {int(axis) % rank for axis in np.ravel(value)}
            return inputs[0] if rank - 1 not in axes else None
        filling = self.network.constant(sources[2]) if node.op == "PadV2" else None
        zeros = node.op != "PadV2" or (filling is not None and not filling.any())
        return inputs[0] if zeros and not value[-1].any() else None

    def _reshaped(self, node: Any, sources: list[str], inputs: list[Array | None]) -> Array | None:
        """Where whole rows of channels come to lie in each new row, they repeat."""
        size, numbers = self._size(node.name), inputs[0]
        if numbers is None or not size or size % len(numbers):
            return None
        return np.tile(numbers, size // len(numbers))

    def _added(self, node: Any, sources: list[str], inputs: list[Array | None]) -> Array | None:
        constants = [self.network.constant(source) for source in sources]
        if len(sources) == 2 and any(value is not None for value in constants):
            index = 0 if constants[0] is not None else 1
            return self._offset(node, index, constants[index], inputs[1 - index])
        size = self._size(node.name)
        numbers = [
            channels for channels in inputs if channels is not None and len(channels) == size
        ]
        if len(numbers) < len(sources):
            return None
        for other in numbers[1:]:
            self._join(numbers[0], other)
        return numbers[0]

    def _offset(
        self, node: Any, index: int, value: Array | None, numbers: Array | None
    ) -> Array | None:
        if numbers is None or value is None or self._size(node.name) != len(numbers):
            return None
        if value.any():
            if node.op not in ADDITIONS | {"Sub"} or value.dtype != "float32":
                return None
            if (value.shape or (1,))[-1] not in (1, len(numbers)):
                return None
            self.offsets.append(Offset(node, index, numbers))
        return numbers

    def _multiplied(
        self, node: Any, sources: list[str], inputs: list[Array | None]
    ) -> Array | None:
        """A product is in proportion to one of its factors, while the other stays."""
        factors = [i for i, source in enumerate(sources) if self.network.constant(source) is None]
        if node.op == "RealDiv":
            factors = [0] if factors == [0] else []
        if not factors or base(sources[0]) == base(sources[1]):
            return None
        moved = next((i for i in factors if self._moves(inputs[i])), factors[0])
        numbers = inputs[moved]
        if numbers is None or len(numbers) != self._size(node.name):
            return None
        self._fix(inputs[1 - moved])
        return numbers

    def _moves(self, numbers: Array | None) -> bool:
        return numbers is not None and bool(self.roots(numbers).any())

    def _joined(self, node: Any, sources: list[str], inputs: list[Array | None]) -> Array | None:
        """Channels behind one another; where another axis is joined, the same channels."""
        axis = self.network.constant(sources[-1])
        rank = len(self.network.shape(node.name) or ())
        if axis is None or not rank:
            return None
        parts = [
            numbers if numbers is not None else np.zeros(self._size(source) or 0, np.int64)
            for numbers, source in zip(inputs[:-1], sources[:-1], strict=True)
        ]
        if int(axis) % rank == rank - 1:
            joined = np.concatenate(parts)
            return joined if len(joined) == self._size(node.name) else None
        for other in parts[1:]:
            if len(other) != len(parts[0]):
                return None
            self._join(parts[0], other)
        return parts[0]
