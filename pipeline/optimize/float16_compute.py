"""Half-precision arithmetic: weights and activations as float16, inputs and outputs as float32.

Half the bytes, and on GPUs with float16 arithmetic (shader-f16 in WebGPU) half the memory traffic.
Where the calibration samples show that float16 cannot hold a tensor, the nodes around it stay in
float32. Runtimes without float16 kernels, such as ONNX Runtime on a CPU and its WebAssembly,
compute in float32 what they load as float16.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.graphs.onnx.nodes import chosen_nodes
from pipeline.optimize.contract import OnnxInputs, Technique
from pipeline.tensors.arrays import Array, NDArray, np

if TYPE_CHECKING:
    from pipeline.graphs.onnx.observe import Range

    Arrays = Mapping[str, NDArray[np.generic]]


#: float16's largest number, and how many times the largest value seen it must hold.
LARGEST, HEADROOM = 65504.0, 2.0

#: How far rounding may move a tensor, as a share of its root mean square. Eleven bits are off by
#: 2^-12 at most; beyond this, values are so small that they lose bits or all become zero.
ROUNDING = 2.0**-10

#: Operators that add up many values before they divide, by their output.
MEANS = ("ReduceMean", "GlobalAveragePool", "AveragePool")

#: So many values are looked at at once.
BLOCK_VALUES = 2**20

#: What a float16 model keeps beside it: the nodes left in float32, and why.
KEPT = "float32.json"


class Options(StrictOptions):
    """Weights and arithmetic as float16, inputs and outputs as float32, for ONNX."""

    keep: list[str] = Field(default=[])
    """Operators (Softmax) or nodes of the ONNX graph (Conv_3) to leave in float32, besides those
    whose values float16 cannot hold."""
    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 32
    """How many samples of the calibration split show which those are."""


@dataclass
class _Error:
    """Sums over all values of a tensor."""

    squares: float = 0.0
    errors: float = 0.0

    def add(self, values: Array) -> None:
        """Count float32 values of any shape."""
        flat = values.reshape(-1)
        for start in range(0, flat.size, BLOCK_VALUES):
            exact = flat[start : start + BLOCK_VALUES].astype(np.float64)
            with np.errstate(over="ignore"):
                rounded = exact.astype(np.float16).astype(np.float64)
            self.squares += float((exact**2).sum())
            self.errors += float(((rounded - exact) ** 2).sum())

    def lost(self) -> bool:
        """Whether rounding moved the tensor further than eleven bits explain."""
        return self.errors > ROUNDING**2 * self.squares


@step(version=1, lane="light", tools=("onnxruntime", "onnx", "numpy"))
def apply(inputs: OnnxInputs, options: Options, work: Path) -> None:
    """CONVERTED (onnx) -> CONVERTED (onnx) in float16, and ``float32.json``: what is not, and why.

    Raises:
        ConfigError: ``keep`` names what the graph has not.
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    from pipeline.export.onnx import write
    from pipeline.graphs import origins
    from pipeline.graphs.onnx.canonical import canonicalize
    from pipeline.optimize.onnx.half import halve

    converted = inputs.model
    signature, model = converted.signature, converted.outline()
    samples = inputs.samples.calibration.inputs(options.calibrate)
    reasons = kept_nodes(model, converted.large, samples, options)
    halved = halve(model, set(reasons), converted.large, LargeTensors.of(work))
    names: dict[str, str] = {}
    canonical = canonicalize(halved, signature, names)
    tensor_origins = origins.rename_origins(origins.read(converted.folder), names)
    write(canonical, signature, work, tensor_origins, converted.large)
    (work / KEPT).write_text(json.dumps(reasons, indent=1, sort_keys=True))


def kept_nodes(
    model: Any, large: LargeTensors, samples: Arrays, options: Options
) -> dict[str, str]:
    """The nodes to leave in float32, and why: by the samples, or by choice.

    Args:
        model: ``onnx.ModelProto``.
        large: where its large constants are.
        samples: input name -> [n, …].

    Raises:
        ConfigError: ``keep`` names what the graph has not.
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    operators = {node.op_type for node in model.graph.node}
    named = chosen_nodes(model, operators, options.keep) if options.keep else []
    unfit = unfit_tensors(model, large, samples)
    reasons = {}
    for node in model.graph.node:
        wrong = [name for name in (*node.output, *node.input) if name in unfit]
        if wrong:
            reasons[node.name] = f"{wrong[0]} {unfit[wrong[0]]}"
        elif node.name in named:
            reasons[node.name] = "float16-compute.keep"
    return reasons


def unfit_tensors(model: Any, large: LargeTensors, samples: Arrays) -> dict[str, str]:
    """The tensors that float16 cannot hold, constants too, and why.

    Args:
        model: ``onnx.ModelProto``.
        large: where its large constants are.
        samples: input name -> [n, …].
    """
    from pipeline.graphs.onnx import observe

    ranges = observe.ranges(model, samples)
    errors: dict[str, _Error] = {name: _Error() for name in ranges}
    for name, values in observe.visit(model, samples, ranges):
        errors[name].add(values)
    peaks = {name: max(-range_.low, range_.high) for name, range_ in ranges.items()}
    for tensor in model.graph.initializer:
        if tensor.data_type == observe.FLOAT:
            values = array_of(tensor, large)
            errors[tensor.name] = _Error()
            errors[tensor.name].add(values)
            peak = max(values.max(initial=0.0), -values.min(initial=0.0))
            peaks[tensor.name] = float(peak) / HEADROOM
    sums = _sums(model, ranges)
    return {
        name: f"reaches {max(peak, sums.get(name, 0)):.3g}"
        if max(peak, sums.get(name, 0)) * HEADROOM > LARGEST
        else "has values too small for it"
        for name, peak in peaks.items()
        if max(peak, sums.get(name, 0)) * HEADROOM > LARGEST or errors[name].lost()
    }


def _sums(model: Any, ranges: Mapping[str, Range]) -> dict[str, float]:
    """What is summed up at most for each output of MEANS."""
    sums = {}
    for node in model.graph.node:
        pair = ranges.get(node.input[0] if node.input else ""), ranges.get(node.output[0])
        if node.op_type in MEANS and pair[0] and pair[1]:
            count = pair[0].size / max(1, pair[1].size)
            sums[node.output[0]] = count * max(-pair[1].low, pair[1].high)
    return sums


TECHNIQUE = Technique(
    name="float16-compute",
    key="quantize",
    stage="graph",
    options=Options,
    step=apply,
    formats=("onnx",),
    reason=(
        "TF.js computes in what a GPU's textures hold: float16-compute needs ONNX; quantize: "
        "float16 makes the files as small"
    ),
)
