"""A build of which one artifact does not run on one backend: all else is proved, and it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import pipeline
from shared_store import SharedStore

pytestmark = pytest.mark.browser

BACKENDS = ["onnxruntime-cpu", "tfjs-wasm", "tfjs-cpu"]


def save(folder: Path) -> None:
    """A product of integers: TF.js' wasm backend has none, which only a run of it tells; its cpu
    backend has, and so has ONNX Runtime.
    """
    import tensorflow as tf

    weights = tf.constant(np.linspace(-9, 9, 32).reshape(16, 2), tf.int32)

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
        def __call__(self, x: Any) -> dict[str, Any]:
            product = tf.matmul(tf.cast(x * 8, tf.int32), weights)
            return {"y": tf.cast(product, tf.float32)}

    model = Model()
    tf.saved_model.save(model, folder, signatures={"serving_default": model.__call__})


def test_one_proof_fails_and_the_others_go_on(tmp_path: Path, shared_store: SharedStore) -> None:
    save(tmp_path / "saved")
    config: dict[str, Any] = {
        "name": "integers",
        "license": "MIT",
        "source": {"saved_model": "saved"},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": BACKENDS, "gates": {"default": {"max_abs_error": 1e-5}}},
        "publish": {"to": str(tmp_path / "cdn")},
    }
    file = tmp_path / "integers.yaml"
    file.write_text(yaml.safe_dump(config))
    # With the runtimes that other builds have compressed.
    store = shared_store.store("integers")

    done = pipeline("build", file, "--store", store, check=3)
    assert not (tmp_path / "cdn").exists()
    assert done.stderr.splitlines()[-3:] == [
        "error: these did not run",
        "  tfjs-graph/fp32 on tfjs-wasm@chromium: TF.js' wasm backend has MatMul for "
        "float32 only; cast its inputs to float32, or leave this backend out of validate.backends",
        "  nothing was published",
    ]
    assert str(store) not in done.stdout + done.stderr, "no path in the store"

    told = json.loads(pipeline("validate", file, "--store", store, "--json", check=3).stdout)
    statuses = {
        (artifact["id"], proof["backend"]): proof["status"]
        for artifact in told["manifest"]["artifacts"]
        for proof in artifact["validation"]
    }
    assert statuses == {
        ("tfjs-graph/fp32", "tfjs-wasm"): "fail",
        ("tfjs-graph/fp32", "tfjs-cpu"): "pass",
        ("onnx/fp32", "onnxruntime-cpu"): "pass",
    }
    report = pipeline("report", file, "--store", store, "--markdown")
    assert "TF.js' wasm backend has MatMul for float32 only" in report.stdout

    # The advice holds.
    config["validate"]["backends"] = [name for name in BACKENDS if name != "tfjs-wasm"]
    file.write_text(yaml.safe_dump(config))
    pipeline("build", file, "--store", store)
