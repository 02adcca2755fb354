"""What keeps a build from being published, though every proof that ran has passed."""

from __future__ import annotations

from typing import Any

from pipeline.build.judge import failed, unavailable

PASS = {"target": "tfjs-wasm@chromium", "status": "pass", "required": False, "partial": False}
PARTIAL = {**PASS, "target": "tfjs-webgl@chromium", "partial": True}
LACKING = {
    "target": "tfjs-wasm@webkit",
    "status": "unavailable",
    "reason": "not found",
    "required": False,
}


def told(*results: dict[str, Any]) -> list[str]:
    return unavailable({"artifacts": [{"id": "tfjs-graph/fp32", "validation": list(results)}]})


def test_what_all_adds_may_be_missing() -> None:
    assert told(PASS, LACKING) == []


def test_what_is_named_may_not() -> None:
    assert told(PASS, {**LACKING, "required": True}) == ["tfjs-wasm@webkit: not found"]


def test_an_artifact_needs_a_proof_on_all_samples() -> None:
    needs = ["tfjs-graph/fp32 ran on no backend with all samples"]
    assert told(LACKING) == needs
    assert told(PARTIAL, LACKING) == needs
    assert told(PARTIAL, PASS) == []


def test_what_did_not_run_is_told_with_artifact_target_and_what_to_do() -> None:
    """Once: what fails everywhere is not said to have run nowhere as well."""
    lost = {**PASS, "status": "fail", "reason": "the WebGL context was lost", "todo": "build again"}
    manifest = {"artifacts": [{"id": "tfjs-graph/fp32", "validation": [lost, LACKING]}]}
    assert failed(manifest) == [
        "tfjs-graph/fp32 on tfjs-wasm@chromium: the WebGL context was lost; build again"
    ]
    assert unavailable(manifest) == []
