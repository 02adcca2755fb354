"""The config with trained variants keeps its gates: both recipes, trained and run natively."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from shared_store import SharedStore

CONFIG = Path(__file__).parents[1] / "configs/mobilenet-optimized.yaml"
PIPELINE = Path(sys.executable).with_name("pipeline")


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_trained_variants_keep_their_gates(tmp_path: Path, shared_store: SharedStore) -> None:
    words = [PIPELINE, "build", CONFIG, "--no-browsers", "--json"]
    words += ["--store", shared_store.store("trained"), "--set", f"publish.to={tmp_path / 'cdn'}"]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    artifacts = json.loads(done.stdout)["manifest"]["artifacts"]
    (small, fast), (uint8,) = (
        [a for a in artifacts if a["id"] in ids]
        for ids in (("onnx/small", "onnx/fast"), ("tfjs-graph/uint8",))
    )
    for artifact in (small, fast):
        (proof,) = [r for r in artifact["validation"] if r["target"] == "onnxruntime-cpu"]
        assert proof["status"] == "pass"
        assert artifact["bytes"] < uint8["bytes"]
