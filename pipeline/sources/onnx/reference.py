"""onnxruntime as the runtime that says what is right of an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.backends import failures
from pipeline.sources.contract import Reference
from pipeline.sources.onnx.files import read_model
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature, TensorSpec

#: Of models in floats of 16 bits, where each step is rounded; artifacts compute in float32.
_NARROW_TOLERANCE = 3e-2


def reference(path: Path, signature: Signature, *, narrow: bool) -> Reference:
    """What runs the model's file, from the signature's inputs to its outputs.

    Args:
        narrow: whether it computes in floats of 16 bits.
    """
    import onnxruntime

    sessions: list[Any] = []

    def run(arrays: Mapping[str, Array]) -> dict[str, Array]:
        try:
            if not sessions:
                sessions.append(_session(path, signature))
            feeds = {_before(spec): arrays[spec.name] for spec in signature.inputs}
            names = [_before(spec) for spec in signature.outputs]
            values = sessions[0].run(names, feeds)
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise failures.of_runtime(f"onnxruntime does not run the source: {error}") from error
        return {spec.name: value for spec, value in zip(signature.outputs, values, strict=True)}

    name = f"ONNX Runtime {onnxruntime.__version__} (cpu)"
    return Reference(name, run, _NARROW_TOLERANCE) if narrow else Reference(name, run)


def _before(spec: TensorSpec) -> str:
    return spec.renamed_from or spec.name


def _session(path: Path, signature: Signature) -> Any:
    """Not optimized: fused, weights that are scaled back are multiplied as integers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = read_model(path)
    if _is_whole(model, signature):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    _cut(model, signature)
    folder = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(folder, str(path.parent))
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _is_whole(model: Any, signature: Signature) -> bool:
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name for value in model.graph.input} - held
    outputs = {value.name for value in model.graph.output}
    return inputs == set(map(_before, signature.inputs)) and outputs >= set(
        map(_before, signature.outputs)
    )


def _cut(model: Any, signature: Signature) -> None:
    """Leave what the outputs need: onnxruntime asks for every input, and runs every node."""
    from onnx import helper

    makers = {name: node for node in model.graph.node for name in node.output if name}
    waiting, kept = [_before(spec) for spec in signature.outputs], set[int]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and id(node) not in kept:
            kept.add(id(node))
            waiting += [*node.input, *_outer(node)]
    nodes = [node for node in model.graph.node if id(node) in kept]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = {_before(spec) for spec in signature.inputs} | held
    taken = [value for value in model.graph.input if value.name in inputs]
    del model.graph.input[:]
    model.graph.input.extend(taken)
    del model.graph.output[:]
    names = (_before(spec) for spec in signature.outputs)
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)


def _outer(node: Any) -> list[str]:
    """What graphs within a node read."""
    from pipeline.graphs.onnx.to_tensorflow.outline import all_nodes

    return [name for inner in all_nodes([node]) for name in inner.input]
