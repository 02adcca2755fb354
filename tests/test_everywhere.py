"""Builds on ``all``: every backend in every engine that is here.

On each of them one artifact of each format of a small trained model, and every artifact of the
config with trained variants.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trainable
import yaml
from shared_store import SharedStore

from pipeline.backends.web.engine import engines

ROOT = Path(__file__).parents[1]
PIPELINE = Path(sys.executable).with_name("pipeline")

#: On a pull request backends/web/test_engines.py opens and times each backend in each engine, and
#: client/test_runtimes.py runs the runtimes of pages there.
pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.timeout(1800)]

#: Engine -> what it must prove wherever it is installed.
TFJS = {
    "chromium": {"tfjs-wasm", "tfjs-webgl", "tfjs-webgpu"},
    "firefox": {"tfjs-wasm", "tfjs-webgl"},
    "webkit": {"tfjs-wasm", "tfjs-webgl"},
}
ONNX = {"chromium": {"ort-wasm", "ort-webgpu"}, "firefox": {"ort-wasm"}, "webkit": {"ort-wasm"}}
#: A rasterizer has no float16 shaders; float16 arithmetic in WebGPU needs them.
MAY_LACK = {("onnx/fp16", "ort-webgpu@chromium")}

#: An artifact of each format, of the few layers that a rasterizer compiles in seconds.
SMALL = {
    "name": "small",
    "task": "image-classification",
    "license": "Apache-2.0",
    "source": {"keras_file": "model.h5"},
    "samples": {"npz": "samples.npz"},
    "variants": {
        "fp32": {},
        "uint8": {"quantize": "uint8"},
        "int8": {"quantize": {"to": "int8", "granularity": "per-channel", "calibrate": 100}},
    },
    "export": {
        "tfjs-graph": {"variants": ["uint8"]},
        "tfjs-layers": {"variants": ["fp32"]},
        "onnx": {"variants": ["int8"]},
    },
    "validate": {"gates": {"default": {"top1_agreement": 0.98, "accuracy_drop": 0.01}}},
}


def small(folder: Path) -> Path:
    """A config beside its model and its samples."""
    trainable.tiny().save(folder / "model.h5")
    parts = {"calibration": trainable.images(100, 7), "test": trainable.images(100, 8)}
    np.savez(
        folder / "samples.npz",
        image=np.concatenate([images for images, _ in parts.values()]),
        labels=np.concatenate([labels for _, labels in parts.values()]),
        split=np.repeat(list(parts), 100),
    )
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(SMALL))
    return file


def with_trained_variants(folder: Path) -> Path:
    return ROOT / "configs/mobilenet-optimized.yaml"


@dataclass(frozen=True)
class Build:
    """A config, and where what is built of it lies."""

    config: Path
    store: Path
    cdn: Path

    def run(self) -> dict[str, Any]:
        """What it shows as JSON."""
        words = [PIPELINE, "build", self.config, "--json", "--store", self.store]
        for one in (f"publish.to={self.cdn}", "validate.backends=all"):
            words += ["--set", one]
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown


WHOLE = pytest.param(with_trained_variants, id="all")


@pytest.fixture(scope="module", params=[pytest.param(small, id="one of each format"), WHOLE])
def build(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shared_store: SharedStore,
) -> Build:
    folder = tmp_path_factory.mktemp("everywhere")
    return Build(request.param(folder), shared_store.store("everywhere"), folder / "cdn")


@pytest.fixture(scope="module")
def manifest(build: Build) -> dict[str, Any]:
    shown: dict[str, Any] = build.run()["manifest"]
    return shown


@pytest.mark.parametrize("engine", TFJS)
def test_every_artifact_is_proved_in(engine: str, manifest: dict[str, Any]) -> None:
    if reason := engines()[engine].unavailable():
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


@pytest.mark.parametrize("build", [WHOLE], indirect=True)
@pytest.mark.parametrize(("name", "most"), [("tfjs-graph", 70_000), ("onnx", 80_000)])
def test_training_for_the_wire_saves_bytes(manifest: dict[str, Any], name: str, most: int) -> None:
    # Few values compress: the encoding is the same.
    small, uint8 = (one(manifest, i) for i in (f"{name}/small", "tfjs-graph/uint8"))
    assert small["br_bytes"] < min(most, 0.5 * uint8["br_bytes"])
    assert small["accuracy"]["value"] >= small["accuracy"]["baseline"] - 0.005


@pytest.mark.parametrize("build", [WHOLE], indirect=True)
def test_a_student_is_a_fraction_of_the_size_and_time(manifest: dict[str, Any]) -> None:
    fast, uint8 = (one(manifest, f"tfjs-graph/{name}") for name in ("fast", "uint8"))
    assert fast["br_bytes"] < 0.15 * uint8["br_bytes"]
    (wasm,) = [r for r in fast["validation"] if r["target"] == "tfjs-wasm@chromium"]
    assert wasm["latency"]["ratio"]["value"] < 1 / 1.8


def test_the_manifest_keeps_its_schema(manifest: dict[str, Any]) -> None:
    import jsonschema

    schema = json.loads((ROOT / "pipeline/manifest/manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema)


def test_the_same_again_proves_nothing_anew(build: Build, manifest: dict[str, Any]) -> None:
    again = build.run()
    assert again["published"]["new"] is False
    assert again["manifest"]["release"] == manifest["release"]
