"""`pipeline plan` looks into the model, and says what formats and backends lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from commands import pipeline

KERNELS = "TF.js has no kernel Einsum on its wasm backend, which Einsum at "


def save(folder: Path) -> None:
    import tensorflow as tf

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32, name="x")])
        def __call__(self, x: Any) -> dict[str, Any]:
            total = tf.raw_ops.Einsum(inputs=[x], equation="ij->i", name="total")
            length = tf.raw_ops.EuclideanNorm(input=x, axis=[1], name="length")
            return {"y": total + length}

    model = Model()
    tf.saved_model.save(model, folder, signatures={"serving_default": model.__call__})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TF.js' wasm has no kernel for its sum, and tf2onnx none for its length."""
    folder = tmp_path_factory.mktemp("lengths")
    save(folder / "model")
    content = {
        "name": "lengths",
        "license": "MIT",
        "source": {"saved_model": "model"},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
    }
    (folder / "lengths.yaml").write_text(yaml.safe_dump(content))
    return folder / "lengths.yaml"


def plan(config: Path, backends: str, *words: str, check: int = 0) -> Result:
    more = ("--store", config.parent / "store", "--set", f"validate.backends={backends}")
    return pipeline("plan", config, *words, *more, check=check)


def test_a_backend_that_is_named_is_refused_with_a_way_out(config: Path) -> None:
    done = plan(config, "[onnxruntime-cpu, tfjs-wasm]", check=1)
    assert "onnx has no EuclideanNorm: at " in done.stderr
    assert f"tfjs-graph: tfjs-wasm@chromium cannot run the model: {KERNELS}" in done.stderr
    way_out = "leave tfjs-wasm out of validate.backends (tfjs-webgl and tfjs-webgpu can run it)"
    assert way_out in done.stderr

    # The way out that was told.
    taken = plan(config, "[tfjs-webgl, tfjs-webgpu]", "--set", "export={tfjs-graph: {}}", "--json")
    assert json.loads(taken.stdout)["cannot_run"] == {}


def test_a_backend_of_all_is_said_to_be_unavailable(config: Path) -> None:
    done = plan(config, "all", "--set", "export={tfjs-graph: {}}", "--json")
    told = json.loads(done.stdout)["cannot_run"]["tfjs-graph/fp32"]
    assert {target.split("@")[0] for target in told} == {"tfjs-wasm"}
    assert told["tfjs-wasm@chromium"].startswith(KERNELS)


def test_the_model_need_not_be_looked_into(config: Path) -> None:
    done = plan(config, "all", "--no-model", "--json")
    assert not done.stderr
    assert json.loads(done.stdout)["cannot_run"] == {}
