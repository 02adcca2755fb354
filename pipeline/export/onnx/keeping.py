"""Which weights of an ONNX graph are to stay float32, found in onnxruntime."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.kept import KeptFolder
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.engine.step import step
from pipeline.export.keep import KeepOptions, Run, find_kept
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.signature import Signature


@step(version=1, lane="light", tools=("onnx", "onnxruntime", "numpy"))
def keep(model: ConvertedOnnx, samples: SamplesFolder, options: KeepOptions, work: Path) -> None:
    """CONVERTED and SAMPLES -> KEPT.

    Raises:
        PipelineError: the bounds say nothing of the model, or cannot be kept.
    """
    from pipeline.export.onnx.weights import weights_of

    signature, outline = model.signature, model.outline()
    weights = [weight for _, _, weight in weights_of(outline, model.large)]
    run = _runner(outline, {weight.name for weight in weights}, signature)
    KeptFolder(work).write(find_kept(weights, run, signature, samples, options))


def _runner(model: Any, names: Collection[str], signature: Signature) -> Run:
    """One session for all weights: they become inputs that are what they were by default."""
    from pipeline.graphs.onnx import observe

    _lift(model.graph, names)
    session = observe.session(model)
    outputs = [spec.name for spec in signature.outputs]

    def run(changed: Mapping[str, Array], inputs: Arrays) -> dict[str, Array]:
        def batch(some: dict[str, Array]) -> dict[str, Array]:
            return dict(
                zip(outputs, observe.run(session, {**some, **changed}, outputs), strict=True)
            )

        return infer_in_batches(batch, inputs, signature.inputs)

    return run


def _lift(graph: Any, names: Collection[str]) -> None:
    """Make tensors inputs of the main graph, those of the bodies of If and Loop too."""
    from onnx import helper

    from pipeline.graphs.onnx.canonical import graphs

    for inner in graphs(graph):
        for tensor in [tensor for tensor in inner.initializer if tensor.name in names]:
            value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            graph.input.append(value)
            if inner is not graph:
                graph.initializer.append(tensor)
                inner.initializer.remove(tensor)
