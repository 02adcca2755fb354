"""Static 8-bit quantization: weights and activations as integers, ranges from calibration.

QDQ: each quantized value is a QuantizeLinear and DequantizeLinear pair, plain ONNX
that runtimes turn into integer kernels. Jacob et al. (2018), arXiv:1712.05877.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline import options
from pipeline.errors import PipelineError
from pipeline.step import Inputs, progress, step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]
    Ranges = dict[str, tuple[float, float]]

KEY = "quantize"
NAME = "int8"
STAGE = "graph"
FORMATS = ("onnx",)
REASON = "TF.js has no quantized operators: int8 activations need ONNX"

#: Operators worth 8 bits. Left out are those that turn small differences of their
#: input into large ones of their output or choose by them: Softmax, Sigmoid, norms, TopK.
OPERATORS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Relu", "Clip", "LeakyRelu"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Split", "Slice", "Gather"),
    *("Pad", "Resize", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
)

#: Samples that run at once, where the model takes any batch: bounds memory.
BATCH = 4

#: Calibrated ranges keep this many significant bits.
RANGE_BITS = 8


class Options(options.Options):
    """Weights and activations as 8-bit integers, for ONNX."""

    granularity: Literal["per-channel", "per-tensor"] = "per-channel"
    """One scale for each output channel of a weight, or one for the whole weight."""
    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 128
    """How many samples of the calibration split the activations' ranges come from."""
    method: Literal["minmax"] = "minmax"
    """How an activation's range follows from its values: minmax holds all of them."""


@step(version=2, lane="light", tools=("onnxruntime", "onnx"))
def apply(inputs: Inputs, options: Options, work: Path) -> None:
    """CONVERTED (onnx) -> CONVERTED (onnx), quantized by the calibration samples' ranges.

    Raises:
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    import onnx
    from safetensors.numpy import load_file

    from pipeline.export import origins
    from pipeline.export.onnx import write
    from pipeline.export.onnx_canonical import canonicalize
    from pipeline.model import Signature

    signature = Signature.read(inputs["model"] / "signature.json")
    model = onnx.load(inputs["model"] / "model.onnx")
    samples = load_file(inputs["samples"] / "calibration" / "inputs.safetensors")
    samples = {name: values[: options.calibrate] for name, values in samples.items()}
    ranges = {name: round_outward(*pair) for name, pair in calibrate(model, samples).items()}
    quantized = _quantize(model, ranges, per_channel=options.granularity == "per-channel")
    known = _of_dequantized(origins.read(inputs["model"]), quantized)
    names: dict[str, str] = {}
    canonical = canonicalize(quantized, signature, names)
    write(canonical, signature, work, origins.renamed(known, names))


def _of_dequantized(known: Mapping[str, str], model: Any) -> dict[str, str]:
    """Origins that moved behind the pair of nodes that quantizes a tensor.

    In front of it a tensor may lack an activation that quantization does by its range.
    """
    result = dict(known)
    quantized = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    for node in model.graph.node:
        before = quantized.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if before in result:
            result[node.output[0]] = result.pop(before)
    return result


def round_outward(low: float, high: float) -> tuple[float, float]:
    """The range with zero in it, each end moved outward to RANGE_BITS significant bits.

    The last bits of an activation differ from CPU to CPU; its rounded range, and so
    the artifact's digest, almost never does. It costs less than 1/128 of the range.
    """
    return -_round_up(max(0.0, -low)), _round_up(max(0.0, high))


def _round_up(value: float) -> float:
    from math import ceil, frexp, ldexp

    mantissa, exponent = frexp(value)
    return ldexp(ceil(ldexp(mantissa, RANGE_BITS)), exponent - RANGE_BITS)


def calibrate(model: Any, samples: Arrays) -> Ranges:
    """The least and greatest value of each float32 tensor of the main graph, and 0.

    The graph itself reduces each tensor to two numbers, so that no activation is kept.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].

    Raises:
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    import numpy as np

    names = _float_tensors(model)
    session = _session(_with_ranges(model, names))
    low, high = np.zeros(len(names)), np.zeros(len(names))
    batches = list(_batches(model, samples))
    for done, batch in enumerate(batches):
        progress(done / len(batches), "calibrating")
        # onnxruntime's minimum and maximum pass over NaN, so that inputs are looked at here.
        wrong = [name for name, values in batch.items() if not np.isfinite(values).all()]
        found = np.stack(_run(session, batch)).reshape(-1, 2).T
        finite = np.isfinite(found).all(axis=0)
        wrong += [name for name, good in zip(names, finite, strict=True) if not good]
        if wrong:
            raise PipelineError(
                f"a calibration sample makes values that are not finite, in {wrong[0]}",
                todo="check the samples and their preprocessing",
            )
        low, high = np.minimum(low, found[0]), np.maximum(high, found[1])
    return {name: (low[i], high[i]) for i, name in enumerate(names)}


def _float_tensors(model: Any) -> list[str]:
    """The float32 inputs and node outputs of the main graph, in its order."""
    from onnx import TensorProto, shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    made = [value.name for value in graph.input]
    made += [name for node in graph.node for name in node.output]
    return [name for name in made if types.get(name) == TensorProto.FLOAT]


def _with_ranges(model: Any, names: list[str]) -> Any:
    """A copy whose outputs are, for each tensor, its least and greatest value, each [1, 1]."""
    from onnx import ModelProto, TensorProto, helper

    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    del graph.output[:]
    zero = "range/zero"
    graph.initializer.append(helper.make_tensor(zero, TensorProto.FLOAT, [1, 1], [0.0]))
    for i, name in enumerate(names):
        flat, padded = f"range/{i}/flat", f"range/{i}/padded"
        graph.node.append(helper.make_node("Flatten", [name], [flat], axis=0))
        # With a zero, an empty tensor has a range too. Quantization needs the zero anyway.
        graph.node.append(helper.make_node("Concat", [flat, zero], [padded], axis=1))
        for op_type in ("ReduceMin", "ReduceMax"):
            output = f"range/{i}/{op_type}"
            graph.node.append(helper.make_node(op_type, [padded], [output], keepdims=1))
            graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 1]))
    return copy


def _session(model: Any) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.use_deterministic_compute = True
    # Threads that wait busily for work take it from the conversions that run beside this.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


def _run(session: Any, batch: Arrays) -> list[Any]:
    try:
        found: list[Any] = session.run(None, batch)
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise PipelineError(
            f"a calibration sample does not run: {str(error).splitlines()[0]}",
            todo="check that the samples have the inputs' shapes and dtypes",
        ) from error
    return found


def _batches(model: Any, samples: Arrays) -> list[Arrays]:
    """Feeds of the model's own batch size; of BATCH samples where it takes any."""
    specs = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
    missing = sorted(set(specs) - set(samples))
    if missing:
        raise PipelineError(
            f"the calibration samples lack inputs: {', '.join(missing)}",
            todo="give samples for every input",
        )
    count = min(len(samples[name]) for name in specs) if specs else 0
    if any(len(dims) == samples[name].ndim - 1 for name, dims in specs.items()):
        return [{name: samples[name][i] for name in specs} for i in range(count)]
    fixed = [dims[0].dim_value for dims in specs.values() if dims[0].HasField("dim_value")]
    size = fixed[0] if fixed else BATCH
    starts = range(0, count, size)
    batches = [[min(i, count - 1) for i in range(start, start + size)] for start in starts]
    return [{name: samples[name][rows] for name in specs} for rows in batches]


def _quantize(model: Any, ranges: Ranges, *, per_channel: bool) -> Any:
    import logging

    import numpy as np
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
            # Signed, as onnxruntime advises for QDQ: on x86 CPUs without VNNI, products of
            # unsigned activations and signed weights saturate at 16 bits. Accuracy is the same.
            QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, limits),
            [],
            [],
            list(OPERATORS),
            {"WeightSymmetric": True},
        )
        return quantizer.quantize_model()
    finally:
        logging.disable(before)
