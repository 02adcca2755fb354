"""A fault planted in an ONNX artifact, found in ONNX Runtime Web in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from models import Converted
from pages import shown
from test_onnx_faults import one_wrong, reproduce, weight

pytestmark = pytest.mark.browser

TARGET = "ort-wasm@chromium"


@pytest.mark.nightly
def test_a_right_artifact_is_right_everywhere(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    artifact = converted["branches"].onnx(tmp_path, lambda model: None)
    result = converted["branches"].bisect(artifact, tmp_path, TARGET)
    assert result["wrong"] == []


def test_exactly_the_faulty_node_is_found_and_shown(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    artifact = converted["branches"].onnx(tmp_path, weight("Conv_1.in1", one_wrong))
    result = converted["branches"].bisect(artifact, tmp_path, TARGET)
    assert [one["node"] for one in result["wrong"]] == ["Conv_1"]
    assert result["hardware"]["details"]["runtime"] == "ort-wasm"
    verdict, runtime, share, *_ = shown(tmp_path / "found" / "reproduction").splitlines()
    assert verdict == "wrong"
    assert runtime.startswith("ONNX Runtime Web")
    assert float(share.split()[-1]) == pytest.approx(result["first"]["error_added"], rel=1e-3)
    # The model is wrong, not the runtime: natively it is as wrong.
    assert reproduce(tmp_path).returncode == 1
