"""Static 8-bit quantization: weights and activations as integers, ranges from calibration.

QDQ: each quantized value is a QuantizeLinear and DequantizeLinear pair, plain ONNX
that runtimes turn into integer kernels. Jacob et al. (2018), arXiv:1712.05877. Some processors
add products in 16 bits: ``weights.pairs`` says what keeps them right.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import keys_of, locate
from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.engine.step import step
from pipeline.graphs.onnx.nodes import chosen_nodes
from pipeline.measures.keep import Keep
from pipeline.optimize.calibration.method import CalibrationMethod
from pipeline.optimize.contract import OnnxInputs, Technique
from pipeline.optimize.onnx.int8_sensitivity import WHERE, within
from pipeline.optimize.onnx.int8_weights import WEIGHTED, Bits, Weights, refine
from pipeline.tasks.agreement import agreement
from pipeline.tensors.arrays import NDArray, np
from pipeline.weights import pairs

if TYPE_CHECKING:
    Arrays = dict[str, NDArray[np.generic]]
    Ranges = dict[str, tuple[float, float]]


#: Operators worth 8 bits. Left out are those that turn small differences of their
#: input into large ones of their output or choose by them: Softmax, Sigmoid, norms, TopK.
OPERATORS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Relu", "Clip", "LeakyRelu"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Split", "Slice", "Gather"),
    *("Pad", "Resize", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
)

METHODS = find_plugins("optimize.calibration", "METHOD", CalibrationMethod)

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(METHODS)]

#: 8 bits.
LEVELS = 256


class Options(StrictOptions):
    """Weights and activations as 8-bit integers, for ONNX."""

    granularity: Literal["per-channel", "per-tensor"] = "per-channel"
    """One scale for each output channel of a weight, or one for the whole weight."""
    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 128
    """How many samples of the calibration split the activations' ranges come from."""
    method: Method = "minmax"
    """How an activation's range follows from its values: minmax holds all of them, percentile
    a share of them; mse clips those whose loss costs less than finer steps gain."""
    percentile: Annotated[float, Field(gt=50, le=100)] = 99.999
    """Of the method percentile: the percentage of values that the range holds."""
    weight_bits: Annotated[float, Field(ge=2, le=8)] = 8
    """How fine the steps of a weight are: those of so many bits, 2.5 too. Fewer make no quicker
    model, but a smaller one, since few different values compress well; rare large weights keep
    all 8 where they are portable."""
    small_weight_bits: Annotated[float, Field(ge=2, le=8)] = 6
    """The same for depthwise convolutions and kernels of under 1024 values, where weight_bits is
    less: they hold few bytes and suffer most."""
    only: list[str] = Field(default=[])
    """Operators (Conv) or nodes of the ONNX graph (Conv_3) to quantize; all that can be, if none
    are named."""
    skip: list[str] = Field(default=[])
    """Operators or nodes to leave in float32."""
    portable: bool = True
    """Weights of which no two products leave 16 bits, so that the model answers alike on every
    processor; about seven bits of eight. false: all eight, for who publishes for ARM and for x86
    with VNNI only: without it sums are cut off, and answers are wrong."""
    keep: Keep | None = None
    """A bound for which the most sensitive nodes are left in float32, as few as need be."""


def levels_kept(options: Options) -> int:
    """Of how many values a grid may be on which a technique before has put weights."""
    return pairs.LEVELS if options.portable else LEVELS


@step(version=9, lane="light", tools=("onnxruntime", "onnx"))
def apply(inputs: OnnxInputs, options: Options, work: Path) -> None:
    """CONVERTED (onnx) -> CONVERTED (onnx), quantized by the calibration samples' ranges.

    Raises:
        ConfigError: ``only`` or ``skip`` name what the graph has not.
        PipelineError: a sample does not run, or makes values that are not finite; or no choice of
            nodes keeps ``keep``.
    """
    from pipeline.export.onnx import write
    from pipeline.graphs import activations, origins
    from pipeline.graphs.onnx.canonical import canonicalize

    converted = inputs.model
    signature, model = converted.signature, converted.outline()
    samples = inputs.samples.calibration.inputs(options.calibrate)
    nodes = chosen_nodes(model, OPERATORS, options.only, options.skip)
    if options.portable:
        nodes = _portable(model, nodes)
    # Where the model was trained to do with a range, no other will do as well.
    ranges = calibrate(model, samples, options) | activations.read(converted.folder)
    weights = Weights(_scratch(model, converted, work))
    quantized_of = partial(quantize, model, ranges, options=options, weights=weights)
    if options.keep:
        agree = agreement(inputs.samples, options.keep.bounds(), WHERE)
        nodes = within(model, samples, nodes, quantized_of, options.keep, agree=agree)
    quantized = quantized_of(nodes)
    tensor_origins = _of_dequantized(origins.read(converted.folder), quantized)
    names: dict[str, str] = {}
    canonical = canonicalize(quantized, signature, names)
    write(canonical, signature, work, origins.rename_origins(tensor_origins, names), weights.large)
    shutil.rmtree(weights.large.folder.parent)


def _scratch(model: Any, converted: ConvertedOnnx, work: Path) -> LargeTensors:
    """A folder where trials keep what they quantize, beside the weights of ``model``."""
    folder = work / "scratch"
    folder.mkdir()
    large = LargeTensors.of(folder)
    large.take(keys_of(model.graph.initializer), converted.large)
    locate(model, folder)
    return large


def _portable(model: Any, nodes: Sequence[str]) -> list[str]:
    """Without products by stacks of matrices: their scales do not go along the channels, so that
    the bound on two weights of a channel would have to be one on all."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    stacks = {
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul"
        and node.input[1] in constants
        and len(constants[node.input[1]].dims) > 2
    }
    return [name for name in nodes if name not in stacks]


def _multiplies_activations(model: Any, nodes: Sequence[str]) -> bool:
    """Whether a product has no constant weight, which ``portable`` could choose."""
    constants = {tensor.name for tensor in model.graph.initializer}
    quantized = {node.name: node for node in model.graph.node if node.name in set(nodes)}
    return any(
        node.op_type in WEIGHTED and node.input[1] not in constants for node in quantized.values()
    )


def _of_dequantized(tensor_origins: Mapping[str, str], model: Any) -> dict[str, str]:
    """Origins that moved behind the pair of nodes that quantizes a tensor.

    In front of it a tensor may lack an activation that quantization does by its range.
    """
    result = dict(tensor_origins)
    quantized = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    for node in model.graph.node:
        before = quantized.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if before in result:
            result[node.output[0]] = result.pop(before)
    return result


def calibrate(model: Any, samples: Arrays, options: Options) -> Ranges:
    """The range of each float32 tensor by the chosen method.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].

    Raises:
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    from pipeline.graphs.onnx import observe

    method = METHODS[options.method]
    ranges = observe.ranges(model, samples)
    if not method.histogram:
        return {name: observed.rounded() for name, observed in ranges.items()}
    return {
        name: observe.round_outward(
            *observed.clipped(
                method.threshold(observed, LEVELS, options.percentile) if observed.peak else 0.0
            )
        )
        for name, observed in observe.histograms(model, samples, ranges).items()
    }


def quantize(
    model: Any, ranges: Ranges, nodes: Sequence[str], options: Options, weights: Weights
) -> Any:
    """A new ``onnx.ModelProto`` in which the named nodes are quantized; ``model`` stays.

    Args:
        model: ``onnx.ModelProto``, large weights left in their files.
        weights: what trials of the same model share.
    """
    from onnx import ModelProto

    from pipeline.graphs.onnx import left_float
    from pipeline.optimize.onnx import stand_ins

    copy = ModelProto()
    copy.CopyFrom(model)
    if not nodes:
        return copy
    # Kernels for unsigned numbers on both sides add in 32 bits, wherever they are. And of signed
    # ones no model can be loaded on x86 that is read both in integers and in float32.
    unsigned = options.portable and _multiplies_activations(model, nodes)
    unsigned |= left_float.leaves(model, nodes)
    per_channel = options.granularity == "per-channel"
    copy = _with_shapes(copy)
    stood_for = stand_ins.put(copy, set(nodes), weights.large, per_channel=per_channel)
    quantized = _with_pairs(copy, ranges, nodes, per_channel=per_channel, unsigned=unsigned)
    originals = {tensor.name: tensor for tensor in model.graph.initializer}
    bits = Bits(options.weight_bits, options.small_weight_bits, options.portable)
    done = refine(quantized, originals, bits, weights)
    stand_ins.settle(quantized, stood_for, done, weights.large)
    left_float.keep(quantized)
    return quantized


def _with_shapes(model: Any) -> Any:
    """The model with the shapes and dtypes of its tensors, which the quantizer asks for.

    By itself it would write the model to a file and read it again, with all weights.
    """
    from onnx.shape_inference import infer_shapes

    inferred = infer_shapes(model)
    inferred.metadata_props.add(key="onnx.infer", value="onnxruntime.quant")
    return inferred


def _with_pairs(
    model: Any, ranges: Ranges, nodes: Sequence[str], *, per_channel: bool, unsigned: bool
) -> Any:
    import logging

    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    limits = {
        name: (np.array(low, np.float32), np.array(high, np.float32))
        for name, (low, high) in ranges.items()
    }
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        quantizer: Any = QDQQuantizer(
            model,
            per_channel,
            False,
            QuantType.QInt8,
            # Signed ones are quickest on ARM; for x86 they are made unsigned as a model is loaded.
            QuantType.QUInt8 if unsigned else QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, limits),
            list(nodes),
            [],
            list(OPERATORS),
            {"WeightSymmetric": True, "QuantizeBias": False},
        )
        return quantizer.quantize_model()
    finally:
        logging.disable(before)


TECHNIQUE = Technique(
    name="int8",
    key="quantize",
    stage="graph",
    options=Options,
    step=apply,
    formats=("onnx",),
    reason="TF.js has no quantized operators: int8 activations need ONNX",
    search={"weight_bits": (8, 6, 4, 3), "method": ("minmax", "mse", "percentile")},
    levels_kept=levels_kept,
    portable=lambda options: options.portable,
)
