"""Dynamic 8-bit quantization: integer weights, and activations rounded as they come.

Each matrix product's input gets its range from its own values when it runs
(DynamicQuantizeLinear), so that no samples are needed and no outlier of another sample costs
precision: the usual choice for transformers and other models of matrix products. Some processors
add products in 16 bits: ``weights.pairs`` says what keeps them right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, large_tensor
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.graphs.onnx.nodes import chosen_nodes
from pipeline.optimize.contract import OnnxInputs, Technique
from pipeline.tensors.arrays import Array, np

NAME = "int8-dynamic"


#: Matrix products, and look-ups, whose tables are most of a small text model.
OPERATORS = ("MatMul", "Gemm", "Gather")

#: A smaller constant gains less than the nodes around it cost.
SMALLEST = 1024


class Options(StrictOptions):
    """Weights of matrix products as 8-bit integers, their inputs too as they come, for ONNX."""

    weight_bits: Annotated[float, Field(ge=2, le=8)] = 8
    """How fine the steps of a weight are: those of so many bits. Fewer make a smaller model after
    brotli; rare large weights keep all 8 where they are portable."""
    portable: bool = True
    """Weights of which no two products leave 16 bits, so that the model answers alike on every
    processor; about seven bits of eight. false: all eight, for who publishes for ARM and for x86
    with VNNI only: without it sums are cut off, and answers are wrong."""
    only: list[str] = Field(default=[])
    """Operators (MatMul, Gemm, Gather) or nodes of the ONNX graph (MatMul_3) to quantize; all that
    can be, if none are named."""
    skip: list[str] = Field(default=[])
    """Operators or nodes to leave in float32."""


@step(version=5, lane="light", tools=("onnx", "numpy"))
def apply(inputs: OnnxInputs, options: Options, work: Path) -> None:
    """CONVERTED (onnx) -> CONVERTED (onnx) whose matrix products are integers.

    Raises:
        ConfigError: ``only`` or ``skip`` name what the graph has not.
        PipelineError: the graph has nothing to quantize.
    """

    from pipeline.export.onnx import write
    from pipeline.graphs import origins
    from pipeline.graphs.onnx.canonical import canonicalize

    converted = inputs.model
    signature, model = converted.signature, converted.outline()
    nodes = chosen_nodes(model, OPERATORS, options.only, options.skip)
    files = _Files(converted.large, LargeTensors.of(work))
    rewriter = _Rewriter(model.graph, files, options.weight_bits, portable=options.portable)
    if not rewriter.rewrite(set(nodes)):
        raise PipelineError(
            f"the model has no matrix product or look-up with a constant of {SMALLEST} values or "
            "more to quantize",
            where=f"quantize: {NAME}",
            todo="use int8, which quantizes convolutions too",
        )
    names: dict[str, str] = {}
    canonical = canonicalize(model, signature, names)
    tensor_origins = origins.rename_origins(origins.read(converted.folder), names)
    write(canonical, signature, work, tensor_origins, converted.large)


@dataclass(frozen=True)
class _Files:
    """Where the large tensors of a model are, and where quantized ones go."""

    source: LargeTensors
    target: LargeTensors


def _transposes(node: Any) -> bool:
    """Whether a product reads its constant by rows."""
    return any(item.name == "transB" and item.i for item in node.attribute)


class _Rewriter:
    """Writes the main graph anew, node by node."""

    def __init__(self, graph: Any, files: _Files, bits: float, *, portable: bool) -> None:
        self._graph, self._files, self._bits, self._portable = graph, files, bits, portable
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._rounded: dict[str, str] = {}
        """Float input -> the prefix of its three quantized parts: a value is rounded once."""
        self._nodes: list[Any] = []

    def rewrite(self, names: set[str]) -> int:
        """Rewrite nodes of these names where they have a constant, and say how many."""
        done = 0
        for node in [type(node).FromString(node.SerializeToString()) for node in self._graph.node]:
            before = len(self._nodes)
            weight = self._weight(node) if node.name in names else None
            if weight is None:
                self._nodes.append(node)
            elif node.op_type == "Gather":
                self._look_up(node, weight)
            else:
                self._multiply(node, weight)
            done += len(self._nodes) > before + 1
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        return done

    def _weight(self, node: Any) -> Array | None:
        """The node's float32 constant as [rows, columns], if it is one that can be quantized."""
        settings = {item.name: item for item in node.attribute}
        tensor = self._constants.get(node.input[0 if node.op_type == "Gather" else 1])
        if tensor is None or tensor.data_type != 1 or len(tensor.dims) != 2:
            return None
        if node.op_type == "Gather" and "axis" in settings and settings["axis"].i != 0:
            return None
        if node.op_type == "Gemm" and ("transA" in settings and settings["transA"].i):
            return None
        if any(settings[name].f != 1 for name in ("alpha", "beta") if name in settings):
            return None
        values = array_of(tensor, self._files.source)
        if values.size < SMALLEST:
            return None
        return values.T if _transposes(node) else values

    def _look_up(self, node: Any, table: Array) -> None:
        """Rows of integers, each times its own scale."""
        numbers, scales = self._quantized(node.input[0], table)
        out = node.output[0]
        self._add("Gather", [numbers, node.input[1]], f"{out}/numbers")
        self._add("Gather", [scales, node.input[1]], f"{out}/scale")
        self._add("Cast", [f"{out}/numbers"], f"{out}/cast", to=1)
        self._add("Mul", [f"{out}/cast", f"{out}/scale"], out)

    def _multiply(self, node: Any, weight: Array) -> None:
        """x @ w (+ bias), as integers and then times the scales of both."""
        name, out = node.input[0], node.output[0]
        side = "rows" if _transposes(node) else "columns"
        numbers, scales = self._quantized(f"{node.input[1]}/{side}", weight.T)
        rounded = self._dynamic(name)
        has_bias = len(node.input) > 2 and node.input[2]
        self._add("MatMulInteger", [f"{rounded}/numbers", numbers, f"{rounded}/zero"], f"{out}/sum")
        self._add("Cast", [f"{out}/sum"], f"{out}/cast", to=1)
        self._add("Mul", [f"{rounded}/scale", scales], f"{out}/scale")
        self._add("Mul", [f"{out}/cast", f"{out}/scale"], f"{out}/product" if has_bias else out)
        if has_bias:
            self._add("Add", [f"{out}/product", node.input[2]], out)

    def _dynamic(self, name: str) -> str:
        from onnx import helper

        if name not in self._rounded:
            self._rounded[name] = f"{name}/dynamic"
            parts = [f"{name}/dynamic/{part}" for part in ("numbers", "scale", "zero")]
            self._nodes.append(helper.make_node("DynamicQuantizeLinear", [name], parts))
        return self._rounded[name]

    def _quantized(self, name: str, rows: Array) -> tuple[str, str]:
        """Names of the integers and of the scale of each row of a constant.

        A table keeps its rows, with scales [rows, 1]; of a product, rows are the columns.
        """
        from pipeline.optimize.onnx.int8_weights import quantize

        table = name in self._constants
        # Nothing multiplies what is looked up.
        portable = self._portable and not table
        numbers, scales = quantize(rows, self._bits, 0.0, portable=portable)
        parts: dict[str, Array] = {}
        parts["numbers"] = numbers if table else np.ascontiguousarray(numbers.T)
        parts["scale"] = scales.astype(np.float32).reshape((-1, 1) if table else (-1,))
        constants = {tensor.name for tensor in self._graph.initializer}
        for part, values in parts.items():
            if f"{name}/{part}" not in constants:
                tensor = large_tensor(f"{name}/{part}", values, self._files.target)
                self._graph.initializer.append(tensor)
        return f"{name}/numbers", f"{name}/scale"

    def _add(self, op_type: str, inputs: list[str], output: str, **settings: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(op_type, inputs, [output], **settings))


TECHNIQUE = Technique(
    name=NAME,
    key="quantize",
    stage="graph",
    options=Options,
    step=apply,
    formats=("onnx",),
    reason="TF.js has no integer products: int8-dynamic needs ONNX",
    search={"weight_bits": (8, 6, 5)},
    portable=lambda options: options.portable,
)
