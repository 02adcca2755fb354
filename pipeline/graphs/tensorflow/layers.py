"""The layers of a frozen graph whose weights are worth changing, as stacks of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.graphs.tensorflow.network import Network, base, tensor
from pipeline.tensors.arrays import Array, np

KINDS: dict[str, Literal["conv", "depthwise", "dense"]] = {
    "Conv2D": "conv",
    "DepthwiseConv2dNative": "depthwise",
    "MatMul": "dense",
}
ADDITIONS = frozenset({"Add", "AddV2", "BiasAdd"})


@dataclass(frozen=True)
class Layer:
    """A convolution, depthwise convolution or product with a matrix, whose weights are its own."""

    kind: Literal["conv", "depthwise", "dense"]
    node: Any
    """The NodeDef that multiplies; its inputs are the activations and the weights."""
    bias: Any | None
    """The NodeDef that adds a constant per channel to its result, where there is one."""

    @property
    def name(self) -> str:
        name: str = self.node.name
        return name

    @property
    def source(self) -> str:
        """The tensor that it reads, such as ``split:1``."""
        return tensor(self.node.input[0])

    @property
    def output(self) -> str:
        """The node that gives its result, with the bias."""
        name: str = (self.bias or self.node).name
        return name

    def weights(self, network: Network) -> Array:
        """float32 [groups, inputs, outputs]: one matrix, or one per channel if depthwise."""
        stored = network.value(self.node.input[1])
        return self.stacked(stored)

    def stacked(self, weights: Array) -> Array:
        """A tensor of the weights' shape as [groups, inputs, outputs]."""
        if self.kind == "depthwise":
            height, width, channels, multiplier = weights.shape
            return weights.reshape(height * width, channels, multiplier).transpose(1, 0, 2)
        if self.kind == "dense":
            return weights.T[None] if self.node.attr["transpose_b"].b else weights[None]
        return weights.reshape(1, -1, weights.shape[3])

    def set_weights(self, network: Network, stacked: Array) -> None:
        """Put back what ``weights`` gave, changed."""
        shape = network.value(self.node.input[1]).shape
        network.set_input(self.node, 1, self.unstacked(stacked, shape))

    def unstacked(self, stacked: Array, shape: tuple[int, ...]) -> Array:
        """The inverse of ``stacked``, for weights of this shape."""
        if self.kind == "depthwise":
            stacked = stacked.transpose(1, 0, 2)
        elif self.kind == "dense" and self.node.attr["transpose_b"].b:
            stacked = stacked[0].T
        return stacked.reshape(shape)

    def offsets(self, network: Network) -> Array | None:
        """The bias, float32 [channels]; ``None`` without one."""
        if self.bias is None:
            return None
        stored = network.value(self.bias.input[self.bias_index])
        return np.broadcast_to(stored.reshape(-1), (self.channels(network),))

    @property
    def bias_index(self) -> int:
        """Which input of ``bias`` is the constant."""
        return 1 if self.bias is None or base(self.bias.input[0]) == self.name else 0

    def reads(self, network: Network) -> int:
        """How many channels of its input its weights belong to."""
        kernel = network.value(self.node.input[1])
        if self.kind != "dense":
            return int(kernel.shape[2])
        return int(kernel.shape[1 if self.node.attr["transpose_b"].b else 0])

    def channels(self, network: Network) -> int:
        """How many channels its result has."""
        groups, _, outputs = self.weights(network).shape
        return int(groups * outputs)


def layers(network: Network) -> list[Layer]:
    """Those of the main graph, in the order in which they run."""
    return list(_layers(network))


def _layers(network: Network) -> Iterator[Layer]:
    for node in network.in_order():
        kind = KINDS.get(node.op)
        if kind and _is_own(network, node) and _is_known(network, node):
            yield Layer(kind, node, _bias(network, node))


def _is_known(network: Network, node: Any) -> bool:
    """Whether each of its weights belongs to one channel read, and windows lie as usual."""
    if node.op == "MatMul":
        return not node.attr["transpose_a"].b
    read = network.shape(node.input[0])
    whole = read is not None and read[-1] == network.value(node.input[1]).shape[2]
    padding, layout = node.attr["padding"].s, node.attr["data_format"].s
    return whole and padding in (b"SAME", b"VALID") and layout in (b"", b"NHWC")


def _is_own(network: Network, node: Any) -> bool:
    """Whether the weights are a float32 constant that no other node reads."""
    source = base(node.input[1])
    value = network.constant(source)
    return value is not None and value.dtype == "float32" and len(network.readers[source]) == 1


def _bias(network: Network, node: Any) -> Any | None:
    readers = network.readers[node.name]
    ends = {spec.name for spec in network.signature.outputs}
    if len(readers) != 1 or node.name in ends or readers[0][0].op not in ADDITIONS:
        return None
    adding, index = readers[0]
    value, shape = network.constant(adding.input[1 - index]), network.shape(node.name)
    if value is None or value.dtype != "float32" or not shape:
        return None
    fits = value.size in (1, shape[-1]) and (value.shape or (1,))[-1] == value.size
    return adding if fits else None
