"""Runs the calibration samples through an ONNX graph that reduces its own tensors.

First to two numbers each; then, where a method asks for it, to a histogram each, so many tensors
at a time that the memory for them is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.large_onnx import folder_of
from pipeline.base.errors import PipelineError
from pipeline.engine.step import progress
from pipeline.graphs.onnx.histogram import Histogram, count, empty
from pipeline.tensors.arrays import Array, NDArray, np

if TYPE_CHECKING:
    Arrays = Mapping[str, NDArray[np.generic]]

#: Samples that run at once, where the model takes any batch: bounds memory.
BATCH = 4

#: Tensors whose values are kept at once, for one batch.
KEPT_BYTES = 64 * 2**20

#: Ranges keep this many significant bits.
RANGE_BITS = 8

#: float32's number in ONNX.
FLOAT = 1


@dataclass(frozen=True)
class Range:
    """The least and the greatest value of a tensor over all samples, and 0."""

    low: float
    high: float
    size: int
    """Values of the tensor in one batch."""

    def rounded(self) -> tuple[float, float]:
        """The range, each end moved outward to RANGE_BITS significant bits.

        The last bits of an activation differ from CPU to CPU; its rounded range, and so the
        artifact's digest, almost never does. It costs less than 1/128 of the range.
        """
        return round_outward(self.low, self.high)


def round_outward(low: float, high: float) -> tuple[float, float]:
    """A range with zero in it, each end moved outward to RANGE_BITS significant bits."""
    from pipeline.weights.bits import significant_above

    outward = significant_above([max(0.0, -low), max(0.0, high)], RANGE_BITS)
    return -float(outward[0]), float(outward[1])


def ranges(model: Any, samples: Arrays) -> dict[str, Range]:
    """The range of each float32 tensor of the main graph, inputs included.

    The graph itself reduces each tensor, so that no activation is kept.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].

    Raises:
        PipelineError: a sample does not run, or makes values that are not finite.
    """
    names = _float_tensors(model)
    low, high, size = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names), np.int64)
    for batch, reduced in runs(_with_ranges(model, names), samples, (0.0, 0.5)):
        least, most, sizes = (np.array([float(x.item()) for x in reduced[i::3]]) for i in range(3))
        # onnxruntime's minimum and maximum pass over NaN, so that inputs are looked at here.
        wrong = [name for name, values in batch.items() if not np.isfinite(values).all()]
        finite = np.isfinite(least) & np.isfinite(most)
        wrong += [name for name, good in zip(names, finite, strict=True) if not good]
        if wrong:
            raise PipelineError(
                f"a calibration sample makes values that are not finite, in {wrong[0]}",
                todo="check the samples and their preprocessing",
            )
        low, high = np.minimum(low, least), np.maximum(high, most)
        size = np.maximum(size, sizes.astype(np.int64))
    return {n: Range(float(low[i]), float(high[i]), int(size[i])) for i, n in enumerate(names)}


def histograms(model: Any, samples: Arrays, ranges: Mapping[str, Range]) -> dict[str, Histogram]:
    """The histogram of each of some tensors, up to its rounded range.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].
        ranges: the tensors' ranges over the same samples.
    """
    limits = {name: observed.rounded() for name, observed in ranges.items()}
    counts, zeros = {name: empty() for name in limits}, dict.fromkeys(limits, 0)
    for name, values in visit(model, samples, ranges):
        low, high = limits[name]
        if max(-low, high) > 0:
            seen, none = count(values, max(-low, high))
            counts[name] += seen
            zeros[name] += none
    return {name: Histogram(*limits[name], counts[name], zeros[name]) for name in limits}


def visit(model: Any, samples: Arrays, ranges: Mapping[str, Range]) -> Iterator[tuple[str, Array]]:
    """The values of some tensors, one batch after another, of which few are kept at once.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].
        ranges: the tensors' ranges over the same samples.
    """
    groups = list(_groups(ranges))
    for i, names in enumerate(groups):
        part = (0.5 + i / len(groups) / 2, 0.5 + (i + 1) / len(groups) / 2)
        computed = [name for name in names if not _is_input(model, name)]
        for batch, values in runs(_with_outputs(model, computed), samples, part):
            yield from ((name, batch[name]) for name in names if name in batch)
            yield from zip(computed, values, strict=True)


def _groups(ranges: Mapping[str, Range]) -> Iterator[list[str]]:
    """Tensors, in the graph's order, that together take at most KEPT_BYTES, or one alone."""
    group: list[str] = []
    taken = 0
    for name, observed in ranges.items():
        if group and taken + 4 * observed.size > KEPT_BYTES:
            yield group
            group, taken = [], 0
        group.append(name)
        taken += 4 * observed.size
    if group:
        yield group


def _is_input(model: Any, name: str) -> bool:
    return any(value.name == name for value in model.graph.input)


def _float_tensors(model: Any) -> list[str]:
    """The float32 inputs and node outputs of the main graph, in its order."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    made = [value.name for value in graph.input]
    made += [name for node in graph.node for name in node.output]
    return [name for name in made if types.get(name) == FLOAT]


def _with_ranges(model: Any, names: list[str]) -> Any:
    """A copy with three outputs for each tensor: its least and greatest value, and its size."""
    from onnx import TensorProto, helper

    copy = _with_outputs(model, [])
    graph = copy.graph
    zero = "range/zero"
    graph.initializer.append(helper.make_tensor(zero, FLOAT, [1, 1], [0.0]))
    for i, name in enumerate(names):
        flat, padded = f"range/{i}/flat", f"range/{i}/padded"
        graph.node.append(helper.make_node("Flatten", [name], [flat], axis=0))
        # With a zero, an empty tensor has a range too. Quantization needs the zero anyway.
        graph.node.append(helper.make_node("Concat", [flat, zero], [padded], axis=1))
        for op_type in ("ReduceMin", "ReduceMax", "Size"):
            output = f"range/{i}/{op_type}"
            settings = {} if op_type == "Size" else {"keepdims": 1}
            source = name if op_type == "Size" else padded
            graph.node.append(helper.make_node(op_type, [source], [output], **settings))
            kind = (TensorProto.INT64, []) if op_type == "Size" else (FLOAT, [1, 1])
            graph.output.append(helper.make_tensor_value_info(output, *kind))
    return copy


def _with_outputs(model: Any, names: Iterable[str]) -> Any:
    """A copy whose outputs are these float32 tensors."""
    from onnx import ModelProto, helper

    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_tensor_value_info(name, FLOAT, None) for name in names)
    return copy


def runs(
    model: Any, samples: Arrays, part: tuple[float, float] | None = None
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Each batch, and the model's outputs for it.

    Args:
        model: ``onnx.ModelProto``.
        samples: input name -> [n, …].
        part: from where to where of all the work this is; ``None`` to report nothing.

    Raises:
        PipelineError: a sample does not run.
    """
    batches = _batches(model, samples)
    names = [value.name for value in model.graph.input]
    opened = session(model) if model.graph.output else None
    for done, rows in enumerate(batches):
        if part:
            progress(part[0] + (part[1] - part[0]) * done / len(batches), "calibrating")
        batch = {name: samples[name][rows] for name in names}
        yield batch, run(opened, batch) if opened else []


def session_inside(model: Any, names: Iterable[str]) -> Any:
    """A session of a model as it is, which gives these tensors too; they become its outputs."""
    from onnx import helper

    output_names = {value.name for value in model.graph.output}
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in names if name not in output_names
    )
    return session(model, optimized=False)


def session(model: Any, *, optimized: bool = True) -> Any:
    """A model in onnxruntime on the CPU; large weights may lie in its folder."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    if not optimized:
        off = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        settings.graph_optimization_level = off
    settings.log_severity_level = 3
    settings.use_deterministic_compute = True
    # Threads that wait busily for work take it from the conversions that run beside this.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if folder := folder_of(model):
        entry = "session.model_external_initializers_file_folder_path"
        settings.add_session_config_entry(entry, str(folder))
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


def run(opened: Any, batch: Arrays, outputs: Sequence[str] | None = None) -> list[Any]:
    """Some outputs of a session, all by default.

    Raises:
        PipelineError: the samples do not run.
    """
    try:
        results: list[Any] = opened.run(outputs, batch)
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise PipelineError(
            f"a calibration sample does not run: {str(error).splitlines()[0]}",
            todo="check that the samples have the inputs' shapes and dtypes",
        ) from error
    return results


def _batches(model: Any, samples: Arrays) -> list[Any]:
    """Rows to feed at once: of the model's own batch size, or BATCH where it takes any."""
    specs = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
    missing = sorted(set(specs) - set(samples))
    if missing:
        raise PipelineError(
            f"the calibration samples lack inputs: {', '.join(missing)}",
            todo="give samples for every input",
        )
    count = min(len(samples[name]) for name in specs) if specs else 0
    if any(len(dims) == samples[name].ndim - 1 for name, dims in specs.items()):
        return list(range(count))
    fixed = [dims[0].dim_value for dims in specs.values() if dims[0].HasField("dim_value")]
    if not fixed:
        return [slice(start, start + BATCH) for start in range(0, count, BATCH)]
    # The last batch is filled up with the last sample.
    starts = range(0, count, fixed[0])
    return [[min(i, count - 1) for i in range(start, start + fixed[0])] for start in starts]
