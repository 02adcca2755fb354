"""Numbers without a dimension, in and out, and in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, onnx_artifact, run, tfjs_artifact
from nightly import nightly

from pipeline.backends.backend import Backend
from pipeline.backends.onnxruntime_cpu import BACKEND as ONNXRUNTIME
from pipeline.backends.web.backends import BACKENDS
from pipeline.tensors.signature import TensorSpec

pytestmark = pytest.mark.browser

RANDOM = np.random.default_rng(2)
FEEDS = {
    "x": RANDOM.normal(size=(3, 4)).astype(np.float32),
    "gain": RANDOM.normal(size=3).astype(np.float32),
    "steps": np.array([1, 2, 3], np.int32),
    "on": np.array([True, False, True]),
}
INPUTS = [
    TensorSpec("x", "float32", (None, 4)),
    TensorSpec("gain", "float32", ()),
    TensorSpec("steps", "int32", ()),
    TensorSpec("on", "bool", ()),
]


def model(x: Any, gain: Any, steps: Any, on: Any) -> dict[str, Any]:
    import tensorflow as tf

    scaled = tf.where(on, x * gain, x) + tf.cast(steps, tf.float32)
    return {"scaled": scaled, "largest": tf.reduce_max(scaled), "next": steps + 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("scalars")
    frozen = freeze(model, INPUTS, home / "frozen")
    tfjs_artifact(frozen, home)
    onnx_artifact(frozen, home)
    return home


@pytest.mark.parametrize(
    ("backend", "artifact"),
    [
        (ONNXRUNTIME, "onnx-artifact"),
        (BACKENDS["tfjs-wasm"], "artifact"),
        nightly(BACKENDS["ort-wasm"], "onnx-artifact"),
        nightly(BACKENDS["tfjs-webgl"], "artifact"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_they_answer_as_tensorflow_does(folder: Path, backend: Backend, artifact: str) -> None:
    engine = "chromium" if backend.name in BACKENDS else None
    with backend.open_session(folder / artifact, engine) as session:
        found = session.infer(FEEDS)
    for i in range(3):
        one = {
            name: values[i : i + 1] if name == "x" else values[i] for name, values in FEEDS.items()
        }
        wanted = run(folder / "frozen", one)
        np.testing.assert_allclose(found["scaled"][i], wanted["scaled"][0], atol=1e-6)
        np.testing.assert_allclose(found["largest"][i], wanted["largest"], atol=1e-6)
        assert found["next"][i] == wanted["next"] == i + 2
    assert {name: values.shape for name, values in found.items()} == {
        "scaled": (3, 4),
        "largest": (3,),
        "next": (3,),
    }
