from __future__ import annotations

import click
import pytest
from manifests import failed, manifest, old

from pipeline.report import terminal
from pipeline.report.release import Release


def shown(made: dict, capsys: pytest.CaptureFixture[str]) -> str:
    terminal.show(Release(made))
    return click.unstyle(capsys.readouterr().out)


def test_one_row_an_artifact_with_engines_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(manifest(), capsys)
    rows = [line for line in text.splitlines() if line.startswith("tfjs-graph/")]
    assert len(rows) == 3
    assert rows[0].split() == [
        *("tfjs-graph/fp32", "802.6", "KB", "98.00%", "3e-06"),
        *("✓✓✓", "1.5", "ms", "✓✓✓", "20.0", "ms", "✓✓–", "20.0", "ms"),
    ]
    assert "tfjs-wasm CFW" in text and "C Chromium, F Firefox, W WebKit" in text
    assert max(map(len, text.splitlines())) <= 120


def test_what_could_not_run_is_one_line_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(manifest(), capsys)
    lines = [line for line in text.splitlines() if "navigator.gpu" in line]
    assert lines == [
        "– tfjs-webgpu in WebKit unavailable: WebKitGTK has no navigator.gpu; not required"
    ]
    assert text.splitlines()[-1].startswith("Ready to ship. All 5 artifacts passed all 28 proofs")


def test_failures_name_metric_value_and_bound(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(failed(), capsys)
    assert (
        "✗ tfjs-graph/uint8 on tfjs-webgl in Firefox: same top class 91.00%, at least 98.00%"
        in text
    )
    assert "– onnxruntime-cuda unavailable: no CUDA device\n" in text
    assert text.splitlines()[-1] == "Do not ship: 1 of 5 artifacts failed."


def test_a_rasterizer_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(manifest(), capsys)
    assert "SwiftShader (software rasterizer, no GPU): tfjs-webgl CFW, tfjs-webgpu CF" in text


def test_old_manifests_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(old(), capsys)
    assert "tfjs-wasm C" in text and "891.8 KB" in text
    assert text.splitlines()[-1] == "Ready to ship. The artifact passed the proof that ran."


def test_what_chance_explains_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    made = manifest()
    one = {"metric": "accuracy_drop", "value": 0.0056, "bound": 0.005, "low": -0.005, "high": 0.02}
    one |= {"samples": 360, "needed": 67_301}
    made["artifacts"][1]["validation"][0]["undecided"] = [one]
    text = " ".join(shown(made, capsys).split())
    assert (
        "≈ tfjs-graph/fp16 on tfjs-wasm in Chromium: 0.56 points lost, at most 0.50 allowed: "
        "within what 360 samples can tell; 68,000 would decide" in text
    )
    assert "on 360 samples; a loss below 1.06 points may not show on so few" in text
