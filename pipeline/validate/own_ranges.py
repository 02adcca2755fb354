"""What every node of a source's own ONNX graph gives, as ``ranges`` measures TensorFlow's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.large_onnx import array_of
from pipeline.artifacts.proof import Ranges
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.tensors.arrays import Array
from pipeline.tensors.batches import infer_in_batches
from pipeline.validate.ranges import SAMPLES, join, range_of, reduce

if TYPE_CHECKING:
    from pipeline.validate.ranges import Reduced

#: Nodes whose values are kept at once.
GROUP = 64

#: Nodes whose output is their input.
_SKIPPED = frozenset(("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose"))


@step(version=1, tools=("onnxruntime", "onnx"))
def scan(model: ConvertedOnnx, samples: SamplesFolder, options: NoOptions, work: Path) -> None:
    """OWN and SAMPLES -> RANGES, of the constants, then of the others, in the graph's order."""
    arrays = samples.test.inputs(SAMPLES)
    nodes = [*_constants(model), *_nodes(model, arrays)]
    Ranges(work).write({"samples": len(next(iter(arrays.values()))), "nodes": nodes})


def _constants(model: ConvertedOnnx) -> Iterator[dict[str, Any]]:
    from onnx import TensorProto

    for tensor in model.outline().graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            reduced = reduce(array_of(tensor, model.large))
            yield {"node": tensor.name, "op": "Constant", **range_of(*reduced)}


def _nodes(model: ConvertedOnnx, arrays: Mapping[str, Array]) -> Iterator[dict[str, Any]]:
    from pipeline.graphs.onnx.observe import session_inside

    outline = model.outline()
    nodes = {node.output[0]: node for node in outline.graph.node if node.op_type not in _SKIPPED}
    opened = session_inside(outline, filter(None, nodes))
    floats = {value.name for value in opened.get_outputs() if value.type == "tensor(float)"}
    names = [name for name in nodes if name in floats]
    for start in range(0, len(names), GROUP):
        group = names[start : start + GROUP]
        reduced = _run(opened, group, model, arrays)
        for name, low, high, bins in zip(group, *reduced, strict=True):
            node = nodes[name]
            yield {"node": node.name, "op": node.op_type, **range_of(low, high, bins)}


def _run(
    opened: Any, names: list[str], model: ConvertedOnnx, arrays: Mapping[str, Array]
) -> Reduced:
    """Every sample alone, or in the batch that the model fixes, and the reductions as one."""
    specs = model.signature.inputs
    size = next((spec.shape[0] for spec in specs if spec.shape), None) or 1
    runs: list[Reduced] = []

    def observe(batch: dict[str, Array]) -> dict[str, Array]:
        columns = zip(*map(reduce, opened.run(names, batch)), strict=True)
        lows, highs, bins = map(list, columns)
        runs.append((lows, highs, bins))  # type: ignore[arg-type]
        return {}

    for start in range(0, len(next(iter(arrays.values()))), size):
        batch = {name: values[start : start + size] for name, values in arrays.items()}
        infer_in_batches(observe, batch, specs)
    return join(runs)
