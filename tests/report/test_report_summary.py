from __future__ import annotations

from typing import Any

import pytest
from manifests import artifact, failed, manifest, old, proof, unavailable

from pipeline.measures import words
from pipeline.report.data import data
from pipeline.report.facts import of_proof
from pipeline.report.proof import Proof
from pipeline.report.release import Release
from pipeline.report.summary import summarize


def picked(made: dict[str, Any], group: str = "TensorFlow.js") -> dict[str, str]:
    picks = summarize(Release(made)).picks
    return {pick.kind: pick.artifact for pick in picks if pick.group == group}


def test_smallest_fastest_and_safest() -> None:
    made = manifest()
    quick = made["artifacts"][1]["validation"][1]
    quick["latency"] |= {"median_ms": 0.5}
    assert picked(made) == {
        "smallest": "tfjs-graph/uint8",
        "fastest": "tfjs-graph/fp16",
        "safest": "tfjs-graph/fp32",
    }
    fastest = next(pick for pick in summarize(Release(made)).picks if pick.figure == "0.5 ms")
    assert fastest.reason == (
        "Median on tfjs-wasm in Firefox, 0.90 of tfjs-graph/fp32's time (0.85 to 0.95)."
    )


def test_what_is_dominated_is_not_recommended() -> None:
    made = manifest()
    made["artifacts"][2]["dominated_by"] = "tfjs-graph/fp16"
    assert picked(made)["smallest"] == "tfjs-graph/fp16"


def test_a_difference_that_may_be_chance_is_called_so() -> None:
    made = manifest()
    latency = made["artifacts"][1]["validation"][1]["latency"]
    latency |= {"median_ms": 0.5, "ratio": {**latency["ratio"], "high": 1.1}}
    fastest = next(pick for pick in summarize(Release(made)).picks if pick.figure == "0.5 ms")
    assert "no measurable difference" in fastest.reason


def test_of_those_that_are_as_fast_the_smallest_is_picked() -> None:
    made = manifest()
    for number, median in ((0, 0.5), (1, 0.6), (2, 0.505)):
        made["artifacts"][number]["validation"][1]["latency"]["median_ms"] = median
    assert picked(made)["fastest"] == "tfjs-graph/uint8"


def test_what_failed_is_not_recommended() -> None:
    assert "tfjs-graph/uint8" not in picked(failed()).values()


def test_a_rasterizers_time_makes_nothing_the_fastest() -> None:
    made = manifest()
    for one in made["artifacts"][2]["validation"]:
        if one["target"] == "tfjs-webgl@chromium":
            one["latency"]["median_ms"] = 0.001
    figures = {pick.figure for pick in summarize(Release(made)).picks if pick.kind == "fastest"}
    assert figures == {"1.5 ms"}


def test_an_artifact_unsafe_in_half_precision_is_not_the_safest() -> None:
    made = manifest()
    made["artifacts"][0]["half_precision"] = {"safe": False}
    assert picked(made)["safest"] == "tfjs-graph/fp16"


def test_verdicts_count_and_say_what_could_not_run() -> None:
    verdict = summarize(Release(failed()))
    assert not verdict.ok
    assert verdict.proofs == {"pass": 27, "fail": 1, "unavailable": 4}
    assert verdict.artifacts == {"pass": 4, "fail": 1, "unavailable": 0}
    assert [(one.targets, one.required) for one in verdict.missing] == [
        (("tfjs-webgpu@webkit",), False),
        (("onnxruntime-cuda",), True),
    ]


def test_what_the_config_requires_must_have_run() -> None:
    made = manifest()
    assert summarize(Release(made)).ok
    made["artifacts"][0]["validation"].append(unavailable("tfjs-cpu@webkit", "x", required=True))
    assert summarize(Release(made)).headline.startswith("Not proved")


def test_an_artifact_that_ran_nowhere_is_not_proved() -> None:
    made = manifest()
    made["artifacts"].append(artifact("onnx/uint8", [unavailable("ort-wasm@webkit", "x")]))
    assert summarize(Release(made)).headline.startswith("Not proved")


def test_an_artifact_that_ran_on_some_samples_only_is_not_proved() -> None:
    made = manifest()
    made["artifacts"].append(
        artifact("onnx/uint8", [proof("onnx/uint8", "ort-webgpu@chromium", partial=True)])
    )
    verdict = summarize(Release(made))
    assert not verdict.ok
    assert verdict.headline == "Not proved: onnx/uint8 ran on no backend with all samples."
    made["artifacts"][-1]["validation"].append(proof("onnx/uint8", "onnxruntime-cpu"))
    assert summarize(Release(made)).ok


def test_a_cell_says_on_how_many_samples_it_ran() -> None:
    for more, said in (({"partial": True}, "the first 50"), ({}, "50")):
        one = Proof("x/fp32", proof("x/fp32", "tfjs-webgl@chromium", samples=50, **more))
        assert dict(of_proof(one))["Against the source"][0] == ("samples", said)


def test_groups_are_of_artifacts_that_share_backends() -> None:
    made = manifest()
    made["artifacts"].append(artifact("tfjs-layers/fp32", [proof("x/fp32", "tfjs-wasm@chromium")]))
    groups = Release(made).groups
    assert [group.title for group in groups] == ["TensorFlow.js", "ONNX Runtime"]
    assert groups[0].targets[:3] == [f"tfjs-wasm@{e}" for e in ("chromium", "firefox", "webkit")]
    assert len(groups[0].artifacts) == 4


def test_old_manifests_can_be_read() -> None:
    release = Release(old())
    (only,) = release.artifacts
    assert only.wire_bytes == 891_816
    assert only.proofs[0].target == "tfjs-wasm@chromium"
    assert only.snr_db == pytest.approx(110.5, abs=0.1)
    assert summarize(release).ok


def test_data_is_for_machines() -> None:
    told = data(Release(failed()))
    assert told["verdict"]["ok"] is False
    uint8 = next(one for one in told["artifacts"] if one["id"] == "tfjs-graph/uint8")
    assert uint8["status"] == "fail" and uint8["wire_bytes"] == 238_140
    assert uint8["targets"]["tfjs-webgpu@webkit"]["reason"] == "WebKitGTK has no navigator.gpu"
    assert uint8["targets"]["tfjs-webgl@chromium"]["software"] is True
    assert uint8["targets"]["tfjs-wasm@chromium"]["ratio"] == 0.9


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_abs_error", 1.23e-7, "1.2e-07"),
        ("max_abs_error", 0, "0"),
        ("top1_agreement", 0.98765, "98.77%"),
        ("snr_db", 57.4, "57 dB"),
        ("nonfinite", 3, "3"),
        ("cosine", 0.99999949, "0.999999"),
        ("bytes", 1_234_567, "1.23 MB"),
        ("latency_ratio", 1.234, "1.23×"),
        ("unheard_of", 0.5, "0.5"),
        ("max_abs_error", None, "not measured"),
    ],
)
def test_each_metric_has_its_unit(name: str, value: float | None, text: str) -> None:
    assert words.value_of(name, value) == text


def test_targets_in_words() -> None:
    named = ("tfjs-wasm@firefox", "onnxruntime-cpu", "tfjs-webgl@firefox", "ort-wasm@webkit")
    assert words.targets(named) == (
        "tfjs-wasm and tfjs-webgl in Firefox; onnxruntime-cpu; ort-wasm in WebKit"
    )


def unsure() -> dict[str, Any]:
    """A manifest of which two proofs are beyond a bound by no more than chance."""
    made = manifest()
    made["artifacts"][1]["validation"][0]["undecided"] = [beyond(0.0056)]
    made["artifacts"][1]["validation"][1]["undecided"] = [beyond(0.0083)]
    return made


def beyond(value: float) -> dict[str, Any]:
    interval = {"low": -0.005, "high": 0.02, "samples": 360, "needed": 67_301}
    return {"metric": "accuracy_drop", "value": value, "bound": 0.005, **interval}


def test_what_chance_explains_passes_and_is_said() -> None:
    verdict = summarize(Release(unsure()))
    assert verdict.ok and verdict.failures == []
    assert verdict.headline.endswith(" Not every bound is decided by so few samples.")
    (line,) = verdict.undecided
    assert line == (
        "tfjs-graph/fp16 on tfjs-wasm in Chromium; tfjs-wasm in Firefox: 0.83 points lost, at most "
        "0.50 allowed: within what 360 samples can tell; 68,000 would decide"
    )
    (fact,) = dict(of_proof(Release(unsure()).artifacts[1].proofs[0]))[
        "Not decided by so few samples"
    ]
    assert fact[1].startswith("0.56 points lost")
    assert "decided" not in summarize(Release(manifest())).headline


def test_an_agreement_that_chance_explains_is_said_too() -> None:
    made = manifest()
    one = beyond(0.975) | {"metric": "top1_agreement", "bound": 0.98, "needed": None}
    made["artifacts"][0]["validation"][0]["undecided"] = [one]
    (line,) = summarize(Release(made)).undecided
    assert line.endswith(
        ": same top class 97.50%, at least 98.00% asked for: within what 360 samples can tell; "
        "more than 10 million would decide"
    )


def test_a_source_that_is_doubted_is_not_shipped() -> None:
    doubt = "the source model itself is right on 35.60% of 90 samples, no more than chance explains"
    verdict = summarize(Release(manifest(doubt=doubt)))
    assert not verdict.ok
    assert verdict.headline == f"Do not ship: {doubt}."
    assert verdict.failures[0].startswith("The source: most often the cause is how images are")
    assert data(Release(manifest(doubt=doubt)))["verdict"]["ok"] is False
    assert summarize(Release(manifest(doubt=None))).ok
