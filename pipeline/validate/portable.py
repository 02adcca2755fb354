"""Whether an ONNX artifact answers alike on every processor, by its integers alone.

Some processors add two products of 8 bits in 16 (``weights.pairs``). The largest sum that
two weights of one output channel can give, with any activations, is computed for each node that
a runtime may compute in integers. The file counts, not what made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.artifacts import proof
from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.graphs.onnx import left_float
from pipeline.measures.miss import Miss
from pipeline.tensors.arrays import Array, np
from pipeline.weights import pairs

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Portability

METRIC = "product_sum"
"""What two products add up to at most."""

#: Products in float32 that become ones of integers where both inputs are dequantized.
DEQUANTIZED = ("Conv", "ConvTranspose", "Gemm", "MatMul")

#: Operators on integers, ONNX's and ONNX Runtime's own: where their weights stand.
INTEGER = {
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm"), (3,)),
    **dict.fromkeys(("ConvInteger", "MatMulInteger", "MatMulIntegerToFloat"), (1,)),
    **dict.fromkeys(("DynamicQuantizeMatMul", "QAttention"), (1,)),
    "DynamicQuantizeLSTM": (1, 2),
}

#: The least signed activation, as ONNX Runtime makes them for weights in blocks.
SIGNED = 128

INT8, UINT8 = 3, 2

NONE: Portability = {
    "portable": True,
    "products": 0,
    "node": None,
    "operator": None,
    "worst_sum": None,
}
"""Of an artifact without integer products."""


@dataclass(frozen=True)
class Product:
    """A node that may be computed in integers."""

    node: str
    operator: str
    worst_sum: int
    """The largest magnitude of what is added in 16 bits; 0 where kernels add in 32."""


class Options(StrictOptions):
    """There is nothing to choose."""


@step(version=2, tools=("onnx", "numpy"))
def check(artifact: ArtifactFolder, options: Options, work: Path) -> None:
    """ARTIFACT (onnx) -> PORTABILITY: as ``describe`` gives."""
    import onnx

    entry = artifact.entry
    model = onnx.load(entry, load_external_data=False)
    proof.Portability(work).write(describe(model, entry.parent))


def describe(model: Any, folder: Path) -> Portability:
    """The worst of a model's integer products.

    Args:
        model: ``onnx.ModelProto``; weights in files beside it are read where they are needed.
        folder: where those files are.

    Returns:
        ``portable``; ``products``: how many nodes; and of the worst ``node`` its name, its
        ``operator`` and its ``worst_sum``; those are ``None`` where there is none.
    """
    every = list(products(model, folder))
    if not every:
        return NONE
    worst = max(every, key=lambda product: product.worst_sum)
    return {
        "portable": worst.worst_sum <= pairs.LARGEST_SUM,
        "products": len(every),
        "node": worst.node,
        "operator": worst.operator,
        "worst_sum": worst.worst_sum,
    }


def products(model: Any, folder: Path) -> Iterator[Product]:
    """Each node that may be computed in integers; see ``describe``."""
    from pipeline.graphs.onnx.canonical import graphs

    every = list(graphs(model.graph))
    constants = _Known(every, folder)
    for graph in every:
        rewritten = {node.name for node, _ in left_float.rewritten(graph)}
        for node in graph.node:
            sums = list(constants.sums(node, rewritten=node.name in rewritten))
            if sums:
                yield Product(node.name, node.op_type, max(sums))


class _Known:
    """Who makes what, and the constants of all graphs of a model."""

    def __init__(self, every: list[Any], folder: Path) -> None:
        self._folder = folder
        self._constants = {tensor.name: tensor for graph in every for tensor in graph.initializer}
        self._makers = {name: node for g in every for node in g.node for name in node.output}

    def sums(self, node: Any, *, rewritten: bool) -> Iterator[int]:
        """What a node adds in 16 bits at most, for each of its weights."""
        if node.op_type in INTEGER:
            for position in INTEGER[node.op_type]:
                name = node.input[position]
                yield self._sum(name, _axis(node), self._made_type(name))
        elif node.op_type == "MatMulNBits":
            bits = next((item.i for item in node.attribute if item.name == "bits"), 4)
            yield _of_blocks(bits)
        elif rewritten:
            yield _of_rows(_as_loaded(self._array(node.input[1])), _axis(node))
        elif node.op_type in DEQUANTIZED:
            yield from self._of_dequantized(node)

    def _of_dequantized(self, node: Any) -> Iterator[int]:
        values, _ = self._decoder(node.input[0])
        weights, moved = self._decoder(node.input[1])
        if weights is None:
            return
        block = next((item.i for item in weights.attribute if item.name == "block_size"), 0)
        if block and node.op_type == "MatMul":
            yield _of_blocks(8 if self._type(weights) in (INT8, UINT8) else 4)
        elif values is not None and self._type(weights) in (INT8, UINT8):
            yield self._sum(weights.input[0], None if moved else _axis(node), self._type(weights))

    def _decoder(self, name: str) -> tuple[Any | None, bool]:
        """The DequantizeLinear that makes a value, and whether it was moved since."""
        node, moved = self._makers.get(name), False
        while node is not None and node.op_type in left_float.MOVING:
            node, moved = self._makers.get(node.input[0]), True
        return (node if node is not None and node.op_type == "DequantizeLinear" else None), moved

    def _type(self, decoder: Any) -> int:
        """The type of numbers that are encoded or decoded: their zero's, or uint8 without one."""
        for name in (*decoder.input[2:], decoder.input[0]):
            if name in self._constants:
                return int(self._constants[name].data_type)
        return UINT8

    def _made_type(self, name: str) -> int:
        """The type of integers that are no constant; int8, the worse, where nothing says."""
        maker = self._makers.get(name)
        if maker is not None and maker.op_type == "DynamicQuantizeLinear":
            return UINT8
        return INT8 if maker is None or maker.op_type != "QuantizeLinear" else self._type(maker)

    def _sum(self, name: str, axis: int | None, type_: int) -> int:
        """Of integer weights, or of activations of that type in their place."""
        if name in self._constants:
            return (
                0 if self._constants[name].data_type != INT8 else _of_rows(self._array(name), axis)
            )
        return 0 if type_ == UINT8 else 2 * pairs.ACTIVATION * SIGNED

    def _array(self, name: str) -> Array:
        from onnx import numpy_helper

        from pipeline.artifacts.large_onnx import take_in

        tensor = self._constants[name]
        if tensor.external_data:
            take_in(tensor, self._folder)
        values: Array = numpy_helper.to_array(tensor)
        return values


def _axis(node: Any) -> int:
    """Along which axis of its weight a node's output channels lie."""
    if node.op_type in ("Conv", "QLinearConv", "ConvInteger"):
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    return 0 if any(item.name == "transB" and item.i for item in node.attribute) else -1


def _of_rows(numbers: Array, axis: int | None) -> int:
    """The largest sum of two products of one channel; of any two weights without an axis."""
    if not numbers.size:
        return 0
    moved = numbers[None] if axis is None else np.moveaxis(numbers, axis, 0)
    return pairs.ACTIVATION * int(pairs.largest(moved.reshape(len(moved), -1)).max())


def _of_blocks(bits: int) -> int:
    """Unsigned weights of few bits by signed activations, four products in 16 bits; of 8 bits two.

    MLAS, lib/sqnbitgemm_kernel_avx2_int8_blklen32.h.
    """
    return (4 if bits <= 4 else 2) * ((1 << bits) - 1) * SIGNED


def _as_loaded(weights: Array) -> Array:
    """The integers that ONNX Runtime makes of float32 weights: one scale, up to 127."""
    largest = float(np.abs(weights).max(initial=0))
    numbers: Array = np.rint(weights * (pairs.HIGHEST / largest)) if largest else weights
    return numbers


def read(checked: proof.Portability | None) -> Portability:
    """What ``check`` wrote; what holds of artifacts without integer products where it did not."""
    return cast("Portability", checked.read()) if checked else NONE


def misses(artifact: str, target: str, portability: Portability) -> Iterator[Miss]:
    """That an artifact is not portable, as a bound that it did not keep."""
    if not portability["portable"]:
        yield Miss(artifact, target, METRIC, portability["worst_sum"], pairs.LARGEST_SUM)
