from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from pipeline.validate.regress import Regression, compare, not_compared

Manifest = dict[str, Any]
WASM = "tfjs-wasm@chromium"
WEBGL = "tfjs-webgl@firefox"


def ratio(value: float, half: float = 0.02) -> dict[str, Any]:
    low, high = value / (1 + half), value * (1 + half)
    return {"value": value, "low": low, "high": high, "reference": "tfjs-graph/fp32"}


def proof(target: str, kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "target": target,
        "status": "pass",
        "reason": None,
        "hardware": {"kind": kind, "name": "some processor", "details": {}},
        "parity": {"relative_error": 0.01, "nonfinite": 0},
        "accuracy": {"metric": "top1_accuracy", "value": 0.98, "low": 0.96, "high": 0.99},
        "latency": {"median_ms": 4.0, "ratio": ratio(1.0)},
        "missed": [],
    } | changes


def manifest() -> Manifest:
    proofs = [proof(WASM, "cpu"), proof(WEBGL, "software")]
    artifact = {"id": "tfjs-graph/uint8", "bytes": 1000, "br_bytes": 800, "validation": proofs}
    return {"artifacts": [artifact]}


def after(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> list[Regression]:
    """What ``compare`` finds once ``change`` was made to the artifact and its proof on wasm."""
    before = manifest()
    later = deepcopy(before)
    change(later["artifacts"][0], later["artifacts"][0]["validation"][0])
    return compare(before, later)


def test_a_release_is_no_worse_than_itself() -> None:
    assert compare(manifest(), manifest()) == []


def test_a_slow_down_of_a_fifth_is_named() -> None:
    (found,) = after(lambda artifact, proof: proof["latency"].update(ratio=ratio(1.2)))
    assert (found.kind, found.artifact, found.target) == ("latency", "tfjs-graph/uint8", WASM)
    assert (found.metric, found.before, found.after) == ("latency_ratio", 1.0, 1.2)
    assert str(found) == (
        "tfjs-graph/uint8 on tfjs-wasm@chromium: 20% slower (17% to 23%) against tfjs-graph/fp32"
    )


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(ratio(1.06), id="no more than two sessions of one artifact"),
        pytest.param(ratio(1.2, half=0.25), id="too uncertain to say"),
        pytest.param(None, id="not measured"),
    ],
)
def test_less_than_that_is_no_slow_down(later: dict[str, Any] | None) -> None:
    assert after(lambda artifact, proof: proof["latency"].update(ratio=later)) == []


def test_speeds_of_different_hardware_are_not_compared() -> None:
    def elsewhere(artifact: dict[str, Any], proof: dict[str, Any]) -> None:
        proof["latency"].update(ratio=ratio(2.0))
        proof["hardware"]["name"] = "another processor"

    assert after(elsewhere) == []
    later = manifest()
    elsewhere(later["artifacts"][0], later["artifacts"][0]["validation"][0])
    assert not_compared(manifest(), later) == [
        "speed not compared on tfjs-wasm@chromium: it ran on some processor, and now on another "
        "processor",
        "speed not compared on tfjs-webgl@firefox: a software rasterizer's speed says nothing of "
        "a GPU's",
    ]


def test_a_rasterizer_is_no_measure_of_speed() -> None:
    def slower(artifact: dict[str, Any], proof: dict[str, Any]) -> None:
        artifact["validation"][1]["latency"].update(ratio=ratio(2.0))

    assert after(slower) == []


def test_accuracy_counts_where_all_of_the_differences_interval_does() -> None:
    """0.98 less 0.96, its lower end, and the other's upper end: sqrt(0.02² + 0.0346²) = 0.04."""

    def falls_to(high: float) -> list[Regression]:
        accuracy = {"metric": "top1_accuracy", "value": 0.94, "low": 0.92, "high": high}
        return after(lambda artifact, proof: proof.update(accuracy=accuracy))

    assert falls_to(0.975) == []
    (found,) = falls_to(0.974)
    assert (found.kind, found.metric) == ("accuracy", "top1_accuracy")
    assert (found.before, found.after) == (0.98, 0.94)
    assert found.note == "top1_accuracy fell from 98.00% to 94.00%"


def test_bytes_on_the_wire_grow() -> None:
    assert after(lambda artifact, proof: artifact.update(bytes=5000, br_bytes=807)) == []
    (found,) = after(lambda artifact, proof: artifact.update(br_bytes=880))
    assert (found.kind, found.target, found.metric) == ("bytes", None, "br_bytes")
    assert found.note == "bytes after brotli grew by 10.0%, from 800 to 880"


def test_bytes_as_stored_count_where_a_release_has_no_compressed_size() -> None:
    (found,) = after(lambda artifact, proof: artifact.update(bytes=1100, br_bytes=None))
    assert (found.metric, found.before, found.after) == ("bytes", 1000, 1100)


def test_parity_gets_worse() -> None:
    assert after(lambda artifact, proof: proof["parity"].update(relative_error=0.0111)) == []
    (found,) = after(lambda artifact, proof: proof["parity"].update(relative_error=0.0113))
    assert (found.kind, found.metric) == ("parity", "relative_error")
    (found,) = after(lambda artifact, proof: proof["parity"].update(nonfinite=3))
    assert found.note == "3 outputs are NaN or infinite, 0 were"


def test_errors_on_other_samples_are_not_compared() -> None:
    def fewer(artifact: dict[str, Any], proof: dict[str, Any]) -> None:
        proof.update(samples=64, parity={"relative_error": 0.5, "nonfinite": 0})

    assert after(fewer) == []
    later = manifest()
    fewer(later["artifacts"][0], later["artifacts"][0]["validation"][0])
    assert not_compared(manifest(), later)[0] == (
        "errors not compared on tfjs-wasm@chromium: it ran on an unknown number of samples, "
        "and now on 64 samples"
    )


def test_the_rounding_of_float32_is_no_regression() -> None:
    before = manifest()
    before["artifacts"][0]["validation"][0]["parity"]["relative_error"] = 1e-7
    later = deepcopy(before)
    later["artifacts"][0]["validation"][0]["parity"]["relative_error"] = 9e-6
    assert compare(before, later) == []


def test_a_proof_that_fails_now() -> None:
    miss = {"metric": "cosine", "value": 0.5, "bound": 0.9}
    (found,) = after(lambda artifact, proof: proof.update(status="fail", missed=[miss]))
    assert (found.kind, found.before, found.after) == ("verdict", "pass", "fail")
    assert found.note == "passed, and fails now: cosine"


def test_a_target_that_cannot_run_any_more() -> None:
    gone = {"target": WASM, "status": "unavailable", "reason": "no browser was found"}

    def without(artifact: dict[str, Any], proof: dict[str, Any]) -> None:
        artifact["validation"][0] = gone

    (found,) = after(without)
    assert (found.kind, found.target, found.after) == ("missing", WASM, None)
    assert found.note == "does not run any more: no browser was found"
    (found,) = after(lambda artifact, proof: artifact["validation"].pop(1))
    assert found.note == "does not run any more: it is not tried any more"


def test_the_targets_of_the_first_version_are_found_again() -> None:
    before = manifest()
    for result, engine in zip(
        before["artifacts"][0]["validation"], ("chromium", "firefox"), strict=True
    ):
        result |= {"backend": result.pop("target").partition("@")[0], "engine": engine}
    assert compare(before, manifest()) == []
    native = proof("onnxruntime-cpu", "cpu")
    later = deepcopy(before)
    later["artifacts"][0]["validation"] = [deepcopy(native)]
    native |= {"backend": native.pop("target"), "engine": "onnxruntime"}
    before["artifacts"][0]["validation"] = [native]
    assert compare(before, later) == []


def test_a_target_that_could_not_run_before_is_no_loss() -> None:
    before = manifest()
    before["artifacts"][0]["validation"][0] = {"target": WASM, "status": "unavailable"}
    later = deepcopy(before)
    later["artifacts"][0]["validation"].pop(0)
    assert compare(before, later) == []


def test_an_artifact_that_is_missing_is_named_unless_another_replaces_it() -> None:
    later: Manifest = {"artifacts": []}
    (found,) = compare(manifest(), later)
    assert (found.kind, found.metric, found.after) == ("missing", "artifact", None)
    assert str(found) == "tfjs-graph/uint8: is missing"
    assert compare(manifest(), {"artifacts": [], "dropped": [{"id": "tfjs-graph/uint8"}]}) == []


def test_an_artifact_that_is_not_safe_in_float16_any_more() -> None:
    before = manifest()
    later = deepcopy(before)
    later["artifacts"][0]["half_precision"] = {"safe": False}
    assert compare(before, later) == []
    before["artifacts"][0]["half_precision"] = {"safe": True}
    (found,) = compare(before, later)
    assert (found.kind, found.before, found.after) == ("half_precision", "safe", "not safe")


def test_an_artifact_that_some_processors_compute_wrongly_now() -> None:
    before = manifest()
    later = deepcopy(before)
    later["artifacts"][0]["portability"] = {"portable": False, "node": "Conv_3"}
    assert compare(before, later) == []
    before["artifacts"][0]["portability"] = {"portable": True, "node": "Conv_1"}
    (found,) = compare(before, later)
    assert (found.kind, found.before, found.after) == ("portability", "yes", "no")
    assert str(found).endswith("some processors cut off sums of Conv_3")
