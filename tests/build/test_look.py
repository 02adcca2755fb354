"""`pipeline plan` looks into the model, and says what formats and backends lack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SAVE = """
import sys
import tensorflow as tf


class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32, name="x")])
    def __call__(self, x):
        total = tf.raw_ops.Einsum(inputs=[x], equation="ij->i", name="total")
        length = tf.raw_ops.EuclideanNorm(input=x, axis=[1], name="length")
        return {"y": total + length}


model = Model()
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": model.__call__})
"""
KERNELS = "TF.js has no kernel Einsum on its wasm backend, which Einsum at "


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TF.js' wasm has no kernel for its sum, and tf2onnx none for its length."""
    folder = tmp_path_factory.mktemp("lengths")
    model = folder / "model"
    subprocess.run([sys.executable, "-c", SAVE, model], check=True, capture_output=True)
    content = {
        "name": "lengths",
        "license": "MIT",
        "source": {"saved_model": "model"},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
    }
    (folder / "lengths.yaml").write_text(yaml.safe_dump(content))
    return folder / "lengths.yaml"


def plan(config: Path, backends: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli.main", "plan", config, *words]
    command += ["--store", config.parent / "store", "--set", f"validate.backends={backends}"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_a_backend_that_is_named_is_refused_with_a_way_out(config: Path) -> None:
    done = plan(config, "[onnxruntime-cpu, tfjs-wasm]")
    assert done.returncode == 1
    assert "onnx has no EuclideanNorm: at " in done.stderr
    assert f"tfjs-graph: tfjs-wasm@chromium cannot run the model: {KERNELS}" in done.stderr
    way_out = "leave tfjs-wasm out of validate.backends (tfjs-webgl and tfjs-webgpu can run it)"
    assert way_out in done.stderr

    # The way out that was told.
    taken = plan(config, "[tfjs-webgl, tfjs-webgpu]", "--set", "export={tfjs-graph: {}}", "--json")
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["cannot_run"] == {}


def test_a_backend_of_all_is_said_to_be_unavailable(config: Path) -> None:
    done = plan(config, "all", "--set", "export={tfjs-graph: {}}", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["cannot_run"]["tfjs-graph/fp32"]
    assert {target.split("@")[0] for target in told} == {"tfjs-wasm"}
    assert told["tfjs-wasm@chromium"].startswith(KERNELS)


def test_the_model_need_not_be_looked_into(config: Path) -> None:
    done = plan(config, "all", "--no-model", "--json")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert json.loads(done.stdout)["cannot_run"] == {}
