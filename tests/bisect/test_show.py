from __future__ import annotations

from typing import Any

import pytest

from pipeline.cli.show_bisect import show


def result(alone: float | None, together: float | None) -> dict[str, Any]:
    return {
        "artifact": "onnx/int8",
        "target": "ort-wasm@firefox",
        "hardware": {"name": "a CPU"},
        "samples": [7, 0],
        "tolerance": 0.1,
        "nodes": 3,
        "compared": 3,
        "outputs": {"scores": {"error": alone, "error_while_all_is_read": together}},
        "first": None,
        "wrong": [],
        "ranking": [],
    }


@pytest.mark.parametrize(
    ("alone", "together", "said"), [(0.9, 0.01, True), (0.05, 0.01, False), (0.9, 0.7, False)]
)
def test_what_only_fused_nodes_make_wrong_is_said(
    alone: float, together: float, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show(result(alone, together), None)
    shown = capsys.readouterr().out
    assert "compared on samples 7, 0" in shown
    assert f"output scores: error {alone:.1e}" in shown
    assert ("what the runtime fuses adds the rest" in shown) is said


def test_an_output_that_is_not_there_is_infinitely_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(result(None, None), None)
    assert "output scores: error ∞" in capsys.readouterr().out
