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
import keras

x = keras.Input((8,))
real, imaginary = keras.ops.rfft(x)
keras.Model(x, keras.ops.sqrt(real**2 + imaginary**2 + 1.0)).save(sys.argv[1])
"""
KERNELS = "TF.js has no kernels FFT, Imag, Real on its wasm backend, which RFFT at "


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a spectrum: TF.js' wasm has no kernels for it, tf2onnx none for its parts."""
    folder = tmp_path_factory.mktemp("spectrum")
    model = folder / "model.keras"
    subprocess.run([sys.executable, "-c", SAVE, model], check=True, capture_output=True)
    content = {
        "name": "spectrum",
        "license": "MIT",
        "source": {"keras_file": "model.keras"},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
    }
    (folder / "spectrum.yaml").write_text(yaml.safe_dump(content))
    return folder / "spectrum.yaml"


def plan(config: Path, backends: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli.main", "plan", config, *words]
    command += ["--store", config.parent / "store", "--set", f"validate.backends={backends}"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_a_backend_that_is_named_is_refused_with_a_way_out(config: Path) -> None:
    done = plan(config, "[onnxruntime-cpu, tfjs-wasm]")
    assert done.returncode == 1
    assert "onnx has no Imag: at functional_1/Imag" in done.stderr
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
