"""Constants that are cheap to compute are not blown up by folding, in either format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact

from pipeline.backends.tensorflow import BACKEND
from pipeline.export import onnx
from pipeline.tensors.signature import TensorSpec

SHAPE = (48, 40, 16)
FEEDS = {"x": np.random.default_rng(2).normal(size=(1, *SHAPE)).astype(np.float32)}


def model(x: Any) -> dict[str, Any]:
    """A grid's sum of rows and columns, a repeated vector, a filled array, a broadcast product;
    and a weight of one byte a value, which is to become floats."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    rows, columns = (tf.range(size, dtype=tf.float32) for size in SHAPE[:2])
    grid = tf.sqrt(rows[:, None] * 0.37 + 1) + tf.sin(columns[None, :])
    vector = tf.constant(random.normal(size=(1, 1, 16)).astype(np.float32))
    scales = tf.constant(random.normal(size=16).astype(np.float32))
    weight = tf.constant(random.integers(0, 255, (3, 3, 16, 16)).astype(np.uint8))
    y = x * grid[None, :, :, None] + tf.tile(vector, [*SHAPE[:2], 1])[None]
    y = y + tf.fill(SHAPE, 0.5)[None] * x + tf.broadcast_to(scales * 2, SHAPE)
    return {"y": tf.nn.conv2d(y, tf.cast(weight, tf.float32) * 0.01 - 1, 1, "SAME")}


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computed")
    return freeze(model, [TensorSpec("x", "float32", (1, *SHAPE))], folder / "frozen")


WEIGHT_BYTES = 3 * 3 * 16 * 16 * 4


def test_tfjs_weights_hold_no_repetitions(frozen: Path, tmp_path: Path) -> None:
    converted, artifact = tfjs_artifact(frozen, tmp_path)
    size = (converted / "weights.bin").stat().st_size
    assert WEIGHT_BYTES < size < WEIGHT_BYTES + 1000
    with BACKEND.open_session(artifact) as session:
        found = session.infer(FEEDS)["y"]
    np.testing.assert_allclose(found, run(frozen, FEEDS)["y"], rtol=1e-4, atol=1e-3)


def test_onnx_initializers_hold_no_repetitions(frozen: Path, tmp_path: Path) -> None:
    import onnxruntime

    onnx.convert({"frozen": frozen}, onnx.ConvertOptions(), tmp_path)
    content = (tmp_path / "model.onnx").read_bytes()
    assert WEIGHT_BYTES < len(content) < WEIGHT_BYTES + 4000
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, FEEDS)
    np.testing.assert_allclose(found, run(frozen, FEEDS)["y"], rtol=1e-4, atol=1e-3)
