"""Cascades: calibrated on one half of the samples, judged on the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.validate.cascade import (
    LEAST_ASKED,
    LOST,
    CascadeCandidate,
    calibrate,
    cascades,
    curve,
    halves,
    times,
)
from pipeline.validate.confidence import Confidence

COUNT = 4000
TRUTH = np.random.default_rng(0).integers(0, 10, COUNT)


def told(classes: np.ndarray, sure: np.ndarray, truth: np.ndarray = TRUTH) -> Confidence:
    answers = classes.astype(np.int32)
    return Confidence(answers, sure.astype(np.float32), answers == truth, "top1_accuracy")


def artifact(name: str, size: int, right: float, seed: int, ms: float = 1.0) -> CascadeCandidate:
    """One that is right on a share of the samples, and less sure where it is not."""
    random = np.random.default_rng(seed)
    good = random.random(COUNT) < right
    sure = np.where(good, random.beta(20, 1.5, COUNT), random.beta(5, 4, COUNT))
    said = told(np.where(good, TRUTH, (TRUTH + 1) % 10), sure)
    return CascadeCandidate(name, name.partition("/")[0], size, said, {"tfjs-wasm@chromium": ms})


SMALL = artifact("tfjs-graph/sparse", 100, 0.9, 1)
MIDDLE = artifact("tfjs-graph/uint8", 200, 0.95, 2, 3.0)
LARGE = artifact("tfjs-graph/fp32", 800, 0.99, 3, 4.0)


def test_the_smallest_is_paired_with_the_most_accurate() -> None:
    found, reason = cascades([MIDDLE, LARGE, SMALL])
    assert found is not None and reason is None
    assert (found["small"], found["large"]) == (SMALL.id, LARGE.id)
    assert found["calibrated_on"] == COUNT // 2
    expected = found["expected"]
    assert expected["metric"] == "top1_accuracy"
    assert expected["low"] < expected["accuracy"] < expected["high"]
    assert expected["accuracy"] > expected["small_accuracy"] + 0.05
    assert abs(expected["accuracy"] - expected["large_accuracy"]) < 2 * LOST
    assert expected["bytes_ratio"] == 1 / 8
    assert expected["latency_ratio"] == pytest.approx(0.25 + expected["escalated"])
    assert expected["latency_target"] == "tfjs-wasm@chromium"


def test_what_is_expected_is_what_happens_on_other_samples() -> None:
    found, _ = cascades([SMALL, LARGE])
    assert found is not None
    new = [artifact(one.id, one.bytes, right, seed + 10) for one, right, seed in (
        (SMALL, 0.9, 1), (LARGE, 0.99, 3))]  # fmt: skip
    asked = new[0].sure.confidence < found["threshold"]
    classes = np.where(asked, new[1].sure.answers, new[0].sure.answers)
    expected = found["expected"]
    assert expected["low"] - 0.01 < (classes == TRUTH).mean() < expected["high"] + 0.01
    assert asked.mean() == pytest.approx(expected["escalated"], abs=0.03)


def test_the_judged_half_decides_no_threshold() -> None:
    _, judged = halves(COUNT)
    lies = SMALL.sure.answers.copy()
    lies[judged] = (TRUTH[judged] + 5) % 10
    liar = replace(SMALL, sure=told(lies, SMALL.sure.confidence))
    honest, _ = cascades([SMALL, LARGE])
    other, _ = cascades([liar, LARGE])
    assert honest is not None and other is not None
    assert other["threshold"] == honest["threshold"]
    assert other["expected"]["accuracy"] < honest["expected"]["accuracy"] - 0.3


def test_the_halves_share_nothing_and_are_always_the_same() -> None:
    calibration, judged = halves(361)
    assert sorted([*calibration, *judged]) == list(range(361))
    np.testing.assert_array_equal(calibration, halves(361)[0])


def test_the_least_sure_are_asked_again_though_few_differ() -> None:
    on = np.arange(200)
    truth = np.zeros(200, np.int32)
    large = told(truth, np.ones(200), truth)
    small = told(np.arange(200) == 0, np.linspace(0.5, 1, 200), truth)
    threshold = calibrate(small, large, on)
    assert (small.confidence < threshold).mean() == pytest.approx(LEAST_ASKED, abs=0.006)


def test_what_is_surely_wrong_can_all_be_asked_again() -> None:
    on = np.arange(100)
    truth = np.zeros(100, np.int32)
    large, small = told(truth, np.ones(100), truth), told(truth + 1, np.ones(100), truth)
    assert calibrate(small, large, on) > 1


@pytest.mark.parametrize(
    ("candidates", "reason"),
    [
        ([LARGE], "tfjs-graph/fp32 is the only one of its format that could be in one"),
        ([replace(SMALL, sure=LARGE.sure), LARGE], "no other of its format is right more often"),
        ([replace(SMALL, bytes=790), LARGE], "tfjs-graph/sparse is hardly smaller than"),
        ([artifact("onnx/int8", 1, 0.2, 5), replace(LARGE, format="onnx")], "onnx/int8 is unsure"),
        ([], "no artifact tells how sure it is of an answer"),
    ],
)
def test_why_there_is_none(candidates: list[CascadeCandidate], reason: str) -> None:
    found, why = cascades(candidates)
    assert found is None and why is not None and reason in why


def test_few_samples_calibrate_nothing() -> None:
    few = [
        replace(one, sure=told(one.sure.answers[:60], one.sure.confidence[:60], TRUTH[:60]))
        for one in (SMALL, LARGE)
    ]
    assert cascades(few) == (
        None,
        "60 test samples are too few to calibrate one",
    )


def test_other_formats_have_their_own() -> None:
    onnx = [replace(one, id=f"onnx/{one.bytes}", format="onnx") for one in (SMALL, LARGE)]
    found, _ = cascades([*(replace(one, bytes=one.bytes * 2) for one in onnx), SMALL, LARGE])
    assert found is not None and found["small"] == SMALL.id
    assert [other["small"] for other in found["others"]] == ["onnx/100"]


def test_the_curve_goes_from_the_small_one_to_the_large_one() -> None:
    points = list(curve(SMALL.sure, LARGE.sure, np.arange(COUNT)))
    assert points[0] == (0.0, SMALL.sure.right.mean())
    assert points[-1] == (1.0, LARGE.sure.right.mean())


def test_a_rasterizers_times_say_nothing() -> None:
    def proof(kind: str, engine: str | None, target: str, status: str = "pass") -> dict:
        return {"status": status, "hardware": {"kind": kind}, "engine": engine,
                "target": target, "latency": {"median_ms": 1.0}}  # fmt: skip

    unavailable = {"status": "unavailable"}
    proofs = [proof("cpu", None, "onnxruntime-cpu"), proof("software", "chromium", "w"),
              proof("cpu", "chromium", "ort-wasm"), unavailable]  # fmt: skip
    assert list(times(proofs)) == ["ort-wasm", "onnxruntime-cpu"]
