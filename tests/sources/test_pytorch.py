"""Models as PyTorch's two exporters write them today reach TF.js and stay themselves in ONNX."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import yaml
from commands import pipeline
from nightly import nightly

from pipeline.sources.pytorch import advise

HERE = Path(__file__).parent
NETWORKS = {
    "mobilenet-v2": ["logits"],
    "resnet-18": ["logits"],
    "detector": ["boxes", "scores"],
    "encoder": ["sentence"],
}


@pytest.fixture(scope="module")
def torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with PyTorch, which is no part of this project's."""
    folder = tmp_path_factory.mktemp("torch") / "venv"
    uv = Path(sys.executable).parent / "uv"
    packages = ("torch==2.15.0", "torchvision", "onnxscript", "onnx", "numpy")
    subprocess.run([uv, "venv", "--quiet", "--no-config", folder], check=True)
    words = ("pip", "install", "--no-config", "--quiet", "--python", folder, *packages)
    done = subprocess.run([uv, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"PyTorch cannot be installed here: {done.stderr.strip()[-300:]}")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def exported(torch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``torch_models.py`` fills."""
    folder = tmp_path_factory.mktemp("exported")
    subprocess.run([torch, HERE / "torch_models.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("exporter", ["script", "dynamo"])
@pytest.mark.parametrize("name", [nightly(name) for name in NETWORKS])
def test_exported_networks_are_right_in_both_formats(
    exported: Path, name: str, exporter: str, tmp_path: Path
) -> None:
    file, outputs = exported / f"{name}.{exporter}.onnx", NETWORKS[name]
    arrays = dict(np.load(exported / f"{name}.npz"))
    wanted = [arrays.pop(output) for output in outputs]
    release = build(file, arrays, tmp_path)
    proofs = {p["target"]: p for a in release["artifacts"] for p in a["validation"]}
    assert {*proofs} == {"onnxruntime-cpu", "tfjs-wasm@chromium", "tfjs-webgl@chromium"}
    assert all(proof["status"] == "pass" for proof in proofs.values())
    assert all(proof["parity"]["relative_error"] < 1e-4 for proof in proofs.values())
    (artifact,) = (a for a in release["artifacts"] if a["format"] == "onnx")
    ours = tmp_path / "cdn" / release["name"] / artifact["entry"]
    # What onnxruntime fuses of a graph depends on what else a file says, such as shapes.
    exact = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    pairs = zip(run(ours, arrays, outputs, exact), run(file, arrays, outputs, exact), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    for found, torchs in zip(run(ours, arrays, outputs), wanted, strict=True):
        np.testing.assert_allclose(found, torchs, rtol=0, atol=1e-4 * np.abs(torchs).max())


#: A small network, saved as people save theirs.
SAVED = """
import torch
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
example = torch.randn(2, 3, 8, 8)
torch.save(model, "net.pth")
torch.export.save(torch.export.export(model.eval(), (example,)), "net.pt2")
"""


@pytest.mark.parametrize("name", [nightly("net.pth"), nightly("net.pt2")])
def test_the_advice_makes_an_onnx_file(torch: Path, name: str, tmp_path: Path) -> None:
    first, second, last = advise(name, "pipeline init net.onnx").splitlines()
    advised = [first.partition("in Python: ")[2], second.strip()]
    script = "\n".join([SAVED, *advised])
    subprocess.run([torch, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    command = last.split("then: pipeline ")[1].split()
    pipeline(*command, cwd=tmp_path)
    assert "source: {onnx: net.onnx}" in next(tmp_path.rglob("net.yaml")).read_text()


#: What a downloaded program may hold in place of sample inputs.
EVIL = """
import io, os, pathlib, torch, zipfile
class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)
pickled = io.BytesIO()
torch.save((Evil(),), pickled)
with zipfile.ZipFile("net.pt2") as good, zipfile.ZipFile("evil.pt2", "w") as evil:
    for name in good.namelist():
        inputs = name.endswith("sample_inputs/model.pt")
        evil.writestr(name, pickled.getvalue() if inputs else good.read(name))
try:
    torch.export.load("evil.pt2")
finally:
    print(pathlib.Path("ran").exists())
"""


@pytest.mark.nightly
def test_to_load_a_program_runs_what_stands_in_it(torch: Path, tmp_path: Path) -> None:
    """Why none is loaded here: where this no longer holds, that may change."""
    words = [torch, "-c", SAVED + EVIL]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def build(file: Path, arrays: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Publish it in float32; returns the manifest."""
    half = len(next(iter(arrays.values()))) // 2
    split = ["calibration"] * half + ["test"] * half
    np.savez(folder / "samples.npz", **arrays, split=split)
    config = {
        "name": "exported",
        "license": "Apache-2.0",
        "source": {"onnx": str(file)},
        "samples": {"npz": "samples.npz"},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": ["onnxruntime-cpu", "tfjs-wasm", "tfjs-webgl"]},
        "publish": {"to": "cdn", "compress": "quick"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    pipeline("build", folder / "config.yaml", "--store", "store", cwd=folder)
    (manifest,) = folder.glob("cdn/exported/releases/*/manifest.json")
    release: dict[str, Any] = json.loads(manifest.read_text())
    return release


def run(file: Path, arrays: dict[str, Any], outputs: list[str], level: Any = None) -> list[Any]:
    options = onnxruntime.SessionOptions()
    if level is not None:
        options.graph_optimization_level = level
    results: list[Any] = onnxruntime.InferenceSession(file, options).run(outputs, arrays)
    return results
