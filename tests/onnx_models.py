"""Small ONNX models and samples, as the folders that steps read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper
from safetensors.numpy import save_file

from pipeline.backends.web.backends import BACKENDS
from pipeline.export import onnx as fmt
from pipeline.graphs.onnx.canonical import canonicalize
from pipeline.optimize import int8
from pipeline.tensors.signature import Signature, TensorSpec

Spec = tuple[str, str, tuple[int | None, ...]]


def write_model(
    folder: Path, nodes: Sequence[Any], inputs: list[Spec], outputs: list[Spec], **constants: Any
) -> Path:
    """A CONVERTED folder. ``inputs`` and ``outputs``: (name, NumPy dtype, shape)."""

    def values(specs: list[Spec]) -> list[Any]:
        return [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(d)), s)
            for n, d, s in specs
        ]

    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs), tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    public = Signature(
        tuple(TensorSpec(*spec) for spec in inputs), tuple(TensorSpec(*spec) for spec in outputs)
    )
    folder.mkdir()
    fmt.write(canonicalize(model, public), public, folder)
    return folder


def write_samples(folder: Path, **inputs: Any) -> Path:
    """A SAMPLES folder with these calibration inputs."""
    (folder / "calibration").mkdir(parents=True)
    save_file(inputs, folder / "calibration" / "inputs.safetensors")
    (folder / "samples.json").write_text("{}")
    return folder


def apply_int8(model: Path, samples: Path, work: Path, **options: Any) -> Path:
    """The quantized ``model.onnx``."""
    work.mkdir(exist_ok=True)
    int8.apply({"model": model, "samples": samples}, int8.Options(**options), work)
    return work / "model.onnx"


def run(model: Path, **feeds: Any) -> list[Any]:
    """What native onnxruntime gives."""
    outputs: list[Any] = onnxruntime.InferenceSession(model).run(None, feeds)
    return outputs


def run_in_chromium(model: Path, to: Path, **feeds: Any) -> dict[str, Any]:
    """What ONNX Runtime Web's wasm gives for a CONVERTED folder, packaged into ``to``."""
    to.mkdir()
    fmt.package({"model": model}, fmt.PackageOptions(variant="v"), to)
    with BACKENDS["ort-wasm"].open_session(to, "chromium") as session:
        return session.infer(feeds)
