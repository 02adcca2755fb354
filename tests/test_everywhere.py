"""The config with trained variants, on ``all``: every artifact, backend and engine that is here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.registry import discover

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs/mobilenet-optimized.yaml"
PIPELINE = Path(sys.executable).with_name("pipeline")

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1800)]

#: Engine -> what it must prove wherever it is installed.
TFJS = {
    "chromium": {"tfjs-wasm", "tfjs-webgl", "tfjs-webgpu"},
    "firefox": {"tfjs-wasm", "tfjs-webgl"},
    "webkit": {"tfjs-wasm", "tfjs-webgl"},
}
ONNX = {"chromium": {"ort-wasm", "ort-webgpu"}, "firefox": {"ort-wasm"}, "webkit": {"ort-wasm"}}
#: A rasterizer has no float16 shaders; float16 arithmetic in WebGPU needs them.
MAY_LACK = {("onnx/fp16", "ort-webgpu@chromium")}


def build(folder: Path) -> dict[str, Any]:
    words = [PIPELINE, "build", CONFIG, "--store", folder / "store", "--json"]
    words += ["--set", f"publish.to={folder / 'cdn'}", "--set", "validate.backends=all"]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("everywhere")


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    built: dict[str, Any] = build(folder)["manifest"]
    return built


@pytest.mark.parametrize("engine", TFJS)
def test_every_artifact_is_proved_in(engine: str, manifest: dict[str, Any]) -> None:
    if reason := discover("backends.web.engines", "start")[engine].unavailable():
        told = {r["reason"] for a in manifest["artifacts"] for r in a["validation"]
                if r["engine"] == engine}  # fmt: skip
        assert told == {reason}
        pytest.skip(f"{engine}: {reason}")
    for artifact in manifest["artifacts"]:
        results = {result["target"]: result for result in artifact["validation"]}
        names = ONNX[engine] if artifact["format"] == "onnx" else TFJS[engine]
        for name in names:
            result = results[f"{name}@{engine}"]
            if (artifact["id"], result["target"]) in MAY_LACK and result["reason"]:
                assert "shader-f16" in result["reason"]
                continue
            assert result["status"] == "pass", (artifact["id"], result)
            assert result["hardware"]["details"]["engine"] == engine
            assert not result["required"]


def one(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in manifest["artifacts"] if a["id"] == name)
    return found


@pytest.mark.parametrize(("name", "most"), [("tfjs-graph", 70_000), ("onnx", 80_000)])
def test_training_for_the_wire_saves_bytes(manifest: dict[str, Any], name: str, most: int) -> None:
    # Few values compress: the encoding is the same.
    small, uint8 = (one(manifest, i) for i in (f"{name}/small", "tfjs-graph/uint8"))
    assert small["br_bytes"] < min(most, 0.5 * uint8["br_bytes"])
    assert small["accuracy"]["value"] >= small["accuracy"]["baseline"] - 0.005


def test_a_student_is_a_fraction_of_the_size_and_time(manifest: dict[str, Any]) -> None:
    fast, uint8 = (one(manifest, f"tfjs-graph/{name}") for name in ("fast", "uint8"))
    assert fast["br_bytes"] < 0.15 * uint8["br_bytes"]
    (wasm,) = [r for r in fast["validation"] if r["target"] == "tfjs-wasm@chromium"]
    assert wasm["latency"]["ratio"]["value"] < 1 / 1.8


def test_the_manifest_keeps_its_schema(manifest: dict[str, Any]) -> None:
    import jsonschema

    schema = json.loads((ROOT / "pipeline/publish/release/manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema)


def test_the_same_again_proves_nothing_anew(folder: Path, manifest: dict[str, Any]) -> None:
    again = build(folder)
    assert again["published"]["new"] is False
    assert again["manifest"]["release"] == manifest["release"]
