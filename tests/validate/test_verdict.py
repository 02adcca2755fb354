"""What a build's proofs come to, whoever asks: exit code, report or terminal."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from manifests import failed, manifest

from pipeline.report.release import Release
from pipeline.validate.verdict import ProofVerdict, Verdict, by_cause

PASS = {"target": "tfjs-wasm@chromium", "status": "pass", "required": False, "partial": False}
PARTIAL = {**PASS, "target": "tfjs-webgl@chromium", "partial": True}
LACKING = {
    "target": "tfjs-wasm@webkit",
    "status": "unavailable",
    "reason": "not found",
    "required": False,
}
LOST = {**PASS, "status": "fail", "reason": "the WebGL context was lost", "todo": "build again"}
NEEDED = {**LACKING, "required": True}
NOT_MADE = {"id": "onnx/int8", "step": "convert onnx", "reason": "no operator", "todo": "wait"}


def verdict(*results: dict[str, Any], **more: Any) -> Verdict:
    artifacts = [{"id": "tfjs-graph/fp32", "validation": list(results)}]
    return Verdict.of({"artifacts": artifacts, **more})


def test_what_all_adds_may_be_missing_and_what_is_named_may_not() -> None:
    assert verdict(PASS, LACKING).ok
    needed = verdict(PASS, NEEDED)
    assert [proof.target for proof in needed.lacking] == ["tfjs-wasm@webkit"]
    assert not needed.is_complete
    assert not needed.ok


def test_an_artifact_needs_a_proof_on_all_samples() -> None:
    assert verdict(LACKING).unproved == ["tfjs-graph/fp32"]
    assert verdict(PARTIAL, LACKING).unproved == ["tfjs-graph/fp32"]
    assert verdict(PARTIAL, PASS).unproved == []


def test_what_did_not_run_is_told_once() -> None:
    """What fails everywhere is not said to have run nowhere as well."""
    lost = verdict(LOST, LACKING)
    (proof,) = lost.not_run
    assert (proof.reason, proof.todo) == ("the WebGL context was lost", "build again")
    assert lost.unproved == []
    assert not lost.ok


@pytest.mark.parametrize("more", [{"not_made": [NOT_MADE]}, {"doubt": "right on 1 % of samples"}])
def test_what_is_lost_or_doubted_is_not_ok_though_all_proofs_passed(more: dict[str, Any]) -> None:
    assert verdict(PASS).ok
    assert verdict(PASS, **more).is_complete
    assert not verdict(PASS, **more).ok


def test_a_manifest_of_before_says_less_and_its_targets_were_all_named() -> None:
    old = ProofVerdict.of("x/fp32", {"backend": "ort-wasm", "engine": "chromium", "status": "pass"})
    assert old.required
    assert (old.target, old.missed, old.undecided) == ("ort-wasm@chromium", (), ())


def test_a_proof_and_an_artifact_of_the_report_are_judged_as_the_whole_is() -> None:
    for made in (manifest(), failed()):
        before = deepcopy(made)
        release = Release(made)
        assert [proof.verdict for proof in release.proofs] == [*release.verdict.proofs]
        statuses = [artifact.status for artifact in release.verdict.artifacts]
        assert [artifact.status for artifact in release.artifacts] == statuses
        assert made == before


def test_artifacts_that_cannot_be_made_are_told_by_cause() -> None:
    other = {**NOT_MADE, "id": "onnx/fp16"}
    lines = [*by_cause(verdict(PASS, not_made=[NOT_MADE, other]).not_made)]
    assert lines == ["onnx/int8, onnx/fp16: no operator\n    wait"]
