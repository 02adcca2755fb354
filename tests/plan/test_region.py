"""A config with a detector: one plan of both, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.measures.metrics import CHAIN
from pipeline.plan import make_plan

CONFIGS = Path(__file__).parents[2] / "configs"


def written(folder: Path, name: str, **more: Any) -> Path:
    """A config of ours, with its detector where it was."""
    told = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    if "region" in told:
        told["region"]["detector"] = str(CONFIGS / told["region"]["detector"])
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(told | more))
    return file


def test_one_plan_makes_and_proves_both() -> None:
    plan = make_plan(load_config(CONFIGS / "facemesh.yaml"))
    alone = make_plan(load_config(CONFIGS / "face-detection.yaml"))
    mine = {f"detector {node}" for node in alone.nodes}
    assert mine <= set(plan.nodes), "all that makes the detector's own release"
    proof = plan.nodes["prove tfjs-graph/uint8 tfjs-wasm@chromium"]
    assert proof.inputs["detector"] == "detector package tfjs-graph/uint8", "of the same variant"
    assert proof.inputs["chain"] == "chain"
    assert "chain" not in plan.nodes["prove onnx/uint8 onnxruntime-cpu"].inputs, "in pages only"
    (artifact,) = (one for one in plan.artifacts if one.id == "onnx/fp16")
    assert artifact.bounds["ort-wasm@chromium"][CHAIN] == 0.95
    assert CHAIN not in artifact.bounds["onnxruntime-cpu"]
    # What fails of the detector's is not taken for the artifact of the same name.
    assert not {node for node in plan._own(artifact) if node.startswith("detector prove")}


def test_where_it_is_proved_is_said_of_both() -> None:
    chosen = ["validate.backends=[tfjs-wasm]", "publish.to=elsewhere", "name=mesh"]
    config = load_config(CONFIGS / "facemesh.yaml", chosen)
    assert config.name == "mesh"
    assert config.detector is not None
    assert config.detector.name == "face-detection"
    assert config.detector.validate_.backends == config.validate_.backends == ["tfjs-wasm"]
    assert config.detector.publish.to == "elsewhere"


def test_a_gate_says_otherwise(tmp_path: Path) -> None:
    gates = {"uint8": {CHAIN: 0.8}, "tfjs-wasm": {CHAIN: 0.9}}
    told = {"backends": ["onnxruntime-cpu", "ort-wasm", "tfjs-wasm"], "gates": gates}
    plan = make_plan(load_config(written(tmp_path, "facemesh", validate=told)))
    bounds = {
        (one.id, target): bound for one in plan.artifacts for target, bound in one.bounds.items()
    }
    assert bounds["onnx/uint8", "ort-wasm@chromium"][CHAIN] == 0.8
    assert bounds["tfjs-graph/fp32", "tfjs-wasm@chromium"][CHAIN] == 0.9
    assert bounds["onnx/fp32", "ort-wasm@chromium"][CHAIN] == 0.95
    assert bounds["onnx/uint8", "onnxruntime-cpu"].keys() >= {"relative_error"}
    assert CHAIN not in bounds["onnx/uint8", "onnxruntime-cpu"]


def test_a_detector_has_none_itself(tmp_path: Path) -> None:
    told = {"detector": str(CONFIGS / "facemesh.yaml"), "found": {}, "followed": {}}
    with pytest.raises(ConfigError, match=r"facemesh\.yaml has a region itself"):
        load_config(written(tmp_path, "blazepose", region=told))


def test_a_detector_reads_images_and_tells_answers(tmp_path: Path) -> None:
    told = {"detector": str(CONFIGS / "text-labels.yaml"), "found": {}, "followed": {}}
    with pytest.raises(ConfigError, match=r"text-labels\.yaml does not read images"):
        load_config(written(tmp_path, "facemesh", region=told))


def test_a_detector_has_each_format(tmp_path: Path) -> None:
    finder = written(tmp_path, "face-detection", export={"onnx": {}}, variants={"fp32": {}})
    region = {"detector": str(finder), "found": {}, "followed": {}}
    config = load_config(written(tmp_path, "facemesh", region=region))
    with pytest.raises(ConfigError, match="face-detection is not exported to tfjs-graph"):
        make_plan(config)


def test_only_what_a_detector_goes_before_has_the_gate(tmp_path: Path) -> None:
    told = {"backends": ["onnxruntime-cpu", "tfjs-wasm"], "gates": {"default": {CHAIN: 0.9}}}
    plain = load_config(written(tmp_path, "facemesh", validate=told, region=None))
    with pytest.raises(ConfigError, match="this has none"):
        make_plan(plain)
