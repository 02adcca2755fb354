"""A padding with zeros stays one in front of a MaxPool, whatever ONNX Runtime does as it loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, onnx_artifact, run

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.backends import onnxruntime_cpu
from pipeline.export import onnx
from pipeline.optimize import int8
from pipeline.tensors.signature import TensorSpec

X = -np.abs(np.random.default_rng(1).normal(size=(4, 6, 6, 2))).astype(np.float32) - 1


def model(x: Any) -> dict[str, Any]:
    """Each of negative numbers: zeros at the edges win, others do not."""
    import tensorflow as tf

    kernel = np.abs(np.random.default_rng(2).normal(size=(1, 1, 2, 2))).astype(np.float32)
    x = tf.nn.conv2d(x, kernel, 1, "VALID")
    edges = [[0, 0], [1, 1], [1, 1], [0, 0]]
    return {
        "zeros": tf.nn.max_pool2d(tf.pad(x, edges), 3, 2, "VALID"),
        "lowest": tf.nn.max_pool2d(tf.pad(x, edges, constant_values=-9.0), 3, 2, "VALID"),
        "same": tf.nn.max_pool2d(x, 3, 2, "SAME"),
    }


def answers(artifact: Path) -> dict[str, Any]:
    with onnxruntime_cpu.BACKEND.open_session(artifact) as session:
        return dict(session.infer({"x": X}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("padding")
    freeze(model, [TensorSpec("x", "float32", (None, 6, 6, 2))], folder / "frozen")
    onnx_artifact(folder / "frozen", folder)
    return folder


def test_zeros_count(made: Path) -> None:
    wanted = run(made / "frozen", {"x": X})
    assert (wanted["zeros"] == 0).any() and (wanted["same"] < 0).all()
    for name, values in answers(made / "onnx-artifact").items():
        # The last bit hangs on the processor's widest instructions.
        np.testing.assert_allclose(values, wanted[name], rtol=1e-6)


def test_zeros_count_in_integers_too(made: Path, tmp_path: Path) -> None:
    samples = SamplesFolder(tmp_path / "samples").calibration
    samples.folder.mkdir(parents=True)
    samples.write_inputs({"x": X})
    for name in ("int8", "artifact"):
        (tmp_path / name).mkdir()
    inputs = {"model": made / "onnx", "samples": tmp_path / "samples"}
    int8.apply(inputs, int8.Options(), tmp_path / "int8")
    options = onnx.PackageOptions(variant="int8")
    onnx.package({"model": tmp_path / "int8"}, options, tmp_path / "artifact")
    wanted = run(made / "frozen", {"x": X})
    for name, values in answers(tmp_path / "artifact").items():
        np.testing.assert_allclose(values, wanted[name], atol=0.05)
