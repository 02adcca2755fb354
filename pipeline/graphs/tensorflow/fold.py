"""Folds batch norms, scales and offsets into the convolution before them.

Takes the place of ``tensorflowjs.converters.fold_batch_norms``, which walks
over every weight in Python (8 s for MobileNet v1 224), and knows neither the
``Mul`` and ``AddV2`` that Keras 3 writes for a batch norm nor chains of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pipeline.graphs.tensorflow.constants import make_constant
from pipeline.graphs.tensorflow.large import Outside
from pipeline.tensors.arrays import Array, Float32s, Float64s, np

Vector = Float64s


CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
BATCH_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
ADDITIONS = frozenset({"Add", "AddV2", "BiasAdd"})


@dataclass(frozen=True)
class Affine:
    """``x * scale + offset``, per channel."""

    scale: Vector
    offset: Vector

    def then(self, after: Affine) -> Affine:
        """This, and ``after`` on its result."""
        return Affine(self.scale * after.scale, self.offset * after.scale + after.offset)


class BatchNormFolder:
    """One graph, with what reads what."""

    def __init__(
        self, graph_def: Any, outputs: Collection[str], large: Outside | None = None
    ) -> None:
        """
        Args:
            large: the constants that placeholders of the graph stand for.
        """
        self._graph, self._large = graph_def, large
        self._nodes = {node.name: node for node in graph_def.node}
        # A node whose value is read elsewhere, or is a result, has to stay.
        self._uses = Counter(_base(name) for node in graph_def.node for name in node.input)
        self._uses.update(outputs)
        self._reader = {
            _base(name): node for node in graph_def.node for name in node.input if name[0] != "^"
        }
        self.scaled: set[str] = set()
        """Convolutions whose own result is no longer what it was."""

    def run(self) -> Any:
        """Fold every convolution of the graph, and return it."""
        for conv in [node for node in self._graph.node if node.op in CONVOLUTIONS]:
            self._fold(conv)
        return self._graph

    def _fold(self, conv: Any) -> None:
        weights = self._constant(conv.input[1])
        if weights is None or conv.attr["data_format"].s not in (b"", b"NHWC"):
            return
        channels = weights.shape[3] * (weights.shape[2] if conv.op != "Conv2D" else 1)
        chain, affine = self._chain(conv, channels)
        # One addition is a bias already.
        if len(chain) > 1 or (chain and chain[0].op not in ADDITIONS):
            self._rewrite(conv, weights, chain, affine)

    def _chain(self, conv: Any, channels: int) -> tuple[list[Any], Affine]:
        """The nodes behind ``conv`` that are affine by channel, and what they do together."""
        chain: list[Any] = []
        total, last = Affine(np.ones(channels), np.zeros(channels)), conv
        while self._uses[last.name] == 1:
            node = self._reader.get(last.name)
            step = None if node is None else self._affine(node, last.name, channels)
            if node is None or step is None:
                break
            chain.append(node)
            total, last = total.then(step), node
        return chain, total

    def _affine(self, node: Any, before: str, channels: int) -> Affine | None:
        if node.op in BATCH_NORMS:
            return self._batch_norm(node, before, channels)
        foldable = node.op in ADDITIONS or node.op in ("Mul", "Sub")
        if not foldable or len(node.input) != 2:
            return None
        position = [_base(name) for name in node.input].index(before)
        vector = self._vector(node.input[1 - position], channels)
        if vector is None or (node.op == "Sub" and position == 1):
            return None
        if node.op == "Mul":
            return Affine(vector, np.zeros(channels))
        return Affine(np.ones(channels), -vector if node.op == "Sub" else vector)

    def _batch_norm(self, node: Any, before: str, channels: int) -> Affine | None:
        """``(x - mean) / sqrt(variance + epsilon) * gamma + beta``, Ioffe and Szegedy (2015)."""
        vectors = [self._vector(name, channels) for name in node.input[1:5]]
        if node.attr["is_training"].b or node.input[0] != before:
            return None
        gamma, beta, mean, variance = vectors
        if gamma is None or beta is None or mean is None or variance is None:
            return None
        scale = gamma / np.sqrt(variance + node.attr["epsilon"].f)
        return Affine(scale, beta - mean * scale)

    def _rewrite(self, conv: Any, weights: Float32s, chain: list[Any], affine: Affine) -> None:
        """The last node of the chain becomes the bias, and keeps its name."""
        shape = weights.shape[2:] if conv.op != "Conv2D" else (weights.shape[3],)
        scaled = (weights * affine.scale.reshape(shape)).astype(np.float32)
        conv.input[1] = self._add_constant(f"{conv.name}/folded_weights", scaled)
        self.scaled.add(conv.name)
        bias = self._add_constant(f"{conv.name}/folded_bias", affine.offset.astype(np.float32))
        last = chain[-1]
        last.op = "BiasAdd"
        del last.input[:]
        last.input.extend([conv.name, bias])
        last.attr.clear()
        last.attr["T"].CopyFrom(conv.attr["T"])
        last.attr["data_format"].s = b"NHWC"

    def _add_constant(self, name: str, value: Array) -> str:
        node = self._graph.node.add(name=name)
        if self._large is not None:
            self._large.add(node, value)
        else:
            make_constant(node, value)
        return name

    def _vector(self, name: str, channels: int) -> Vector | None:
        """A constant as one float64 a channel, if it is one value or one a channel."""
        value = self._constant(name)
        if (
            value is None
            or value.size not in (1, channels)
            or (value.shape or (1,))[-1] != value.size
        ):
            return None
        return np.broadcast_to(value.reshape(-1), (channels,)).astype(np.float64)

    def _constant(self, name: str) -> Array | None:
        from tensorflow import make_ndarray

        node = self._nodes.get(_base(name))
        while node is not None and node.op == "Identity":
            node = self._nodes.get(_base(node.input[0]))
        value: Array
        if self._large is not None and node is not None and node.name in self._large.values:
            value = self._large.values[node.name]
        elif node is None or node.op != "Const":
            return None
        else:
            value = make_ndarray(node.attr["value"].tensor)
        return value if value.dtype == "float32" else None


def _base(name: str) -> str:
    """The node that an input names: ``a:1`` and ``^a`` are of ``a``."""
    return name.lstrip("^").split(":")[0]
