from __future__ import annotations

import numpy as np

from pipeline.backends.targets import Target
from pipeline.measures.parity import compare
from pipeline.validate.gates import Facts, bounds_for, judge, not_applied
from pipeline.validate.tolerances import TOLERANCES

RESULT = {
    "target": "tfjs-wasm",
    "parity": {
        "max_abs_error": 0.2,
        "relative_error": 0.6,
        "cosine": 0.9,
        "top1_agreement": 0.97,
        "nonfinite": 0,
    },
    "accuracy": {"metric": "top1_accuracy", "value": 0.95, "samples": 100},
}
BASELINE = {"metric": "top1_accuracy", "value": 0.98, "samples": 100}


def missed(bounds: dict[str, float], half_safe: bool | None = None, **changes: object) -> list[str]:
    result = {**RESULT, "parity": {**RESULT["parity"], **changes}}
    return misses(result, bounds, Facts(1000, half_safe=half_safe, baseline=BASELINE))


def misses(
    result: dict[str, object], bounds: dict[str, float], facts: Facts, *, strict: bool = False
) -> list[str]:
    return [str(miss) for miss in judge("onnx/int8", result, bounds, facts, strict=strict).missed]


NATIVE = Target("onnxruntime-cpu", None)
FIREFOX = Target("tfjs-webgl", "firefox")
INT8 = ("int8",)


def test_the_more_particular_name_decides_metric_by_metric() -> None:
    gates = {
        "default": {"top1_agreement": 0.99, "accuracy_drop": 0.01},
        "onnx": {"top1_agreement": 0.98},
        "int8": {"top1_agreement": 0.97},
        "onnx/int8": {"cosine": 0.9},
    }
    assert bounds_for("onnx/int8", NATIVE, gates, INT8, usual={}) == {
        "top1_agreement": 0.97,
        "accuracy_drop": 0.01,
        "cosine": 0.9,
    }
    assert bounds_for("tfjs-graph/int8", FIREFOX, gates, INT8, usual={})["top1_agreement"] == 0.97


def test_where_it_runs_decides_before_what_it_is() -> None:
    keys = [
        *("default", "tfjs-graph", "fp16", "tfjs-graph/fp16"),
        *("tfjs-webgl", "default tfjs-webgl", "tfjs-graph tfjs-webgl", "fp16 tfjs-webgl"),
        *("tfjs-graph/fp16 tfjs-webgl", "tfjs-webgl@firefox", "fp16 tfjs-webgl@firefox"),
    ]
    gates = {key: {"cosine": number / 100} for number, key in enumerate(keys)}
    for number, key in reversed(list(enumerate(keys))):
        assert bounds_for("tfjs-graph/fp16", FIREFOX, gates, (), usual={}) == {
            "cosine": number / 100
        }, key
        del gates[key]
    elsewhere = {key: {"cosine": 1} for key in ("tfjs-wasm", "tfjs-webgl@chromium", "fp32")}
    assert "cosine" not in bounds_for("tfjs-graph/fp16", FIREFOX, elsewhere, ("float16",), usual={})


def test_without_any_gate_the_number_format_decides() -> None:
    native = bounds_for("onnx/int8", NATIVE, {}, INT8, usual={})
    assert native == {"relative_error": TOLERANCES["int8 onnxruntime-cpu"]}
    assert missed(native, relative_error=0.9) == [
        "onnx/int8 on tfjs-wasm: relative_error 0.9, must be <= 0.75"
    ]
    # Engines differ on int8: each has its own bound.
    wasm = bounds_for("onnx/int8", Target("ort-wasm", "chromium"), {}, INT8, usual={})
    assert wasm["relative_error"] > native["relative_error"]


def test_a_bound_on_other_things_bounds_no_difference() -> None:
    found = bounds_for("onnx/fp32", NATIVE, {"fp32": {"bytes": 2000}}, ("float32",), usual={})
    assert found == {"bytes": 2000, "relative_error": TOLERANCES["float32"]}
    found = bounds_for("onnx/fp32", NATIVE, {"fp32": {"cosine": 0.9}}, ("float32",), usual={})
    assert found == {"cosine": 0.9}


def test_a_task_bounds_the_agreement_of_its_answers_where_no_gate_does() -> None:
    usual = {"top1_agreement": 0.9}
    held = bounds_for("onnx/int8", NATIVE, {}, INT8, usual=usual)
    assert held == {"relative_error": TOLERANCES["int8 onnxruntime-cpu"], **usual}
    gates = {"default": {"snr_db": 20}}
    assert bounds_for("onnx/int8", NATIVE, gates, INT8, usual=usual) == {"snr_db": 20}


def test_floors_and_ceilings() -> None:
    assert missed({"top1_agreement": 0.97, "max_abs_error": 0.2, "bytes": 1000}) == []
    assert missed({"top1_agreement": 0.98}) == [
        "onnx/int8 on tfjs-wasm: top1_agreement 0.97, must be >= 0.98"
    ]
    assert missed({"max_abs_error": 0.1}) == [
        "onnx/int8 on tfjs-wasm: max_abs_error 0.2, must be <= 0.1"
    ]
    assert missed({"bytes": 999}) == ["onnx/int8 on tfjs-wasm: bytes 1000, must be <= 999"]


def test_accuracy_is_held_against_the_source_model() -> None:
    assert missed({"accuracy_drop": 0.03}) == []
    assert missed({"accuracy_drop": 0.02}) == [
        "onnx/int8 on tfjs-wasm: accuracy_drop 0.03, must be <= 0.02"
    ]


def test_nan_always_fails() -> None:
    assert missed({}, nonfinite=3) == ["onnx/int8 on tfjs-wasm: nonfinite 3, must be <= 0"]


def test_a_bound_on_what_nobody_measured_is_not_kept() -> None:
    assert missed({"top1_agreement": 0.5}, top1_agreement=None) == [
        "onnx/int8 on tfjs-wasm: top1_agreement not measured, must be >= 0.5"
    ]


def timed(kind: str, low: float | None, repeats: int = 20) -> dict[str, object]:
    ratio = None if low is None else {"value": 1.3, "low": low, "high": 1.5}
    return {**RESULT, "hardware": {"kind": kind}, "latency": {"ratio": ratio, "repeats": repeats}}


def test_a_latency_ratio_is_missed_where_all_of_its_interval_is_over_the_bound() -> None:
    def found(low: float) -> list[str]:
        bounds = {"latency_ratio": 1.2}
        result = timed("cpu", low)
        assert not_applied(result, bounds) == []
        return misses(result, bounds, Facts(1))

    assert found(1.19) == []
    assert found(1.21) == ["onnx/int8 on tfjs-wasm: latency_ratio 1.21, must be <= 1.2"]


def test_a_latency_ratio_that_says_nothing_is_not_applied_and_that_is_said() -> None:
    bounds = {"latency_ratio": 1.2}
    for result, why in (
        (timed("software", 9.0), "a software rasterizer's speed says nothing of a GPU's"),
        (timed("gpu", None), "there is no float32 artifact of its format to be timed with"),
        (timed("gpu", None, 2), "2 timed inferences are too few; raise validate.repeats to 4"),
    ):
        assert misses(result, bounds, Facts(1)) == []
        assert not_applied(result, bounds) == [{"metric": "latency_ratio", "reason": why}]
        assert not_applied(result, {"bytes": 1}) == []


def test_half_precision_is_asked_for_and_waived() -> None:
    gates = {
        "default": {"half_precision": True},
        "int8": {"half_precision": False},
    }
    asked = bounds_for("tfjs-graph/fp32", FIREFOX, gates, ("float32",), usual={})
    assert asked == {"half_precision": 1, "relative_error": TOLERANCES["float32"]}
    assert "half_precision" not in bounds_for("onnx/int8", NATIVE, gates, INT8, usual={})


def test_what_is_not_safe_in_float16_or_was_not_tried_misses() -> None:
    asked = {"half_precision": 1.0}
    assert missed(asked, half_safe=True) == []
    where = "onnx/int8 on tfjs-wasm: "
    end = " in float16, as half-precision GPUs use it; must be safe"
    assert missed(asked, half_safe=False) == [f"{where}not safe{end}"]
    assert missed(asked, half_safe=None) == [f"{where}not measured{end}"]


def test_accuracy_on_some_samples_is_not_judged_and_that_is_said() -> None:
    partial = {**RESULT, "accuracy": None, "samples": 64, "partial": True}
    (told,) = not_applied(partial, {"accuracy_drop": 0.01})
    assert told["reason"] == "a software rasterizer ran it on the first 64 samples only"
    assert not_applied({**partial, "partial": False}, {"accuracy_drop": 0.01}) == []


def test_bytes_on_the_wire_are_judged_where_they_are_known() -> None:
    bounds = {"wire_bytes": 70_000}

    def found(wire_bytes: int | None) -> list[str]:
        return misses(timed("cpu", 1.0), bounds, Facts(90_000, wire_bytes))

    assert found(70_000) == found(None) == []
    assert found(70_001) == ["onnx/int8 on tfjs-wasm: wire_bytes 70001, must be <= 70000"]
    (told,) = not_applied(timed("cpu", 1.0), bounds)
    assert told == {"metric": "wire_bytes", "reason": "nothing was compressed"}
    assert not_applied(timed("cpu", 1.0), bounds, 1) == []


def lost(samples: int, lost: int, gained: int = 0) -> dict[str, object]:
    """A proof of an artifact that gets other samples right than a source that gets 98 % right."""
    value = 0.98 - (lost - gained) / samples
    accuracy = {
        "metric": "top1_accuracy",
        "value": value,
        "samples": samples,
        "lost": lost,
        "gained": gained,
    }
    return {**RESULT, "samples": samples, "accuracy": accuracy}


FACTS = Facts(1, baseline=BASELINE)


def test_two_samples_of_360_do_not_decide_half_a_point() -> None:
    judged = judge("onnx/small", lost(360, 2), {"accuracy_drop": 0.005}, FACTS)
    assert judged.missed == []
    (one,) = judged.undecided
    assert (one.metric, one.bound, one.samples) == ("accuracy_drop", 0.005, 360)
    assert one.low < 0.005 < one.value < one.high
    assert one.needed and 60_000 < one.needed < 80_000
    assert judge("onnx/small", lost(360, 1), {"accuracy_drop": 0.005}, FACTS).undecided == []


def test_what_chance_does_not_explain_is_missed() -> None:
    bounds = {"accuracy_drop": 0.005}
    assert misses(lost(360, 5), bounds, FACTS) == []
    assert misses(lost(360, 6), bounds, FACTS) == [
        "onnx/int8 on tfjs-wasm: accuracy_drop 0.0166667, must be <= 0.005"
    ]
    # Many samples tell more of the same share; of 10,000, 70 lost are 0.7 points for sure.
    assert misses(lost(10_000, 70), bounds, FACTS)
    # The more other samples it gets right, the less so: 100 lost and 30 gained could be chance.
    assert not misses(lost(10_000, 100, 30), bounds, FACTS)


def test_few_samples_excuse_no_damage() -> None:
    """Within their interval, 3 of 20 could be lost for half a point."""
    for samples, most in ((20, 0), (50, 0), (100, 1), (360, 5)):
        passed = [
            n for n in range(20) if not misses(lost(samples, n), {"accuracy_drop": 0.005}, FACTS)
        ]
        assert passed == list(range(most + 1)), samples


def test_whoever_asks_for_it_is_told_by_what_was_measured() -> None:
    bounds = {"accuracy_drop": 0.005, "top1_agreement": 0.975}
    assert misses({**lost(360, 2), "samples": 360}, bounds, FACTS) == []
    assert misses(lost(360, 2), bounds, FACTS, strict=True) == [
        "onnx/int8 on tfjs-wasm: accuracy_drop 0.00555556, must be <= 0.005",
        "onnx/int8 on tfjs-wasm: top1_agreement 0.97, must be >= 0.975",
    ]


def test_an_agreement_is_a_share_of_samples_too() -> None:
    bounds = {"top1_agreement": 0.98}
    result = {**RESULT, "samples": 360}  # 0.97
    (one,) = judge("onnx/int8", result, bounds, FACTS).undecided
    assert one.low < one.value < one.bound < one.high
    assert judge("onnx/int8", {**RESULT, "samples": one.needed}, bounds, FACTS).missed
    assert not judge("onnx/int8", {**RESULT, "samples": one.needed - 30}, bounds, FACTS).missed
    # A share of elements is none of samples.
    parity = {**RESULT["parity"], "share_over_0_1": 0.011}
    assert misses({**result, "parity": parity}, {"share_over_0_1": 0.01}, FACTS)


def test_raw_outputs_are_held_to_a_bound_on_single_samples():
    """relative_error alone lets one sample of many be as wrong as can be."""
    held = bounds_for("onnx/int8", NATIVE, {}, INT8, usual=None)
    assert held == {"relative_error": TOLERANCES["int8 onnxruntime-cpu"], "worst_sample_error": 1.2}
    golden = {"y": np.eye(10, dtype=np.float32)[np.arange(40) % 10]}
    broken = {"y": golden["y"].copy()}
    broken["y"][7] = np.roll(broken["y"][7], 1)
    parity = compare(broken, golden, {"y": True})
    assert (parity["max_abs_error"], parity["cosine"]) == (1, 0)
    result = {"target": NATIVE.id, "parity": parity, "accuracy": None}
    missed = judge("onnx/int8", result, held, Facts(1)).missed
    assert [miss.metric for miss in missed] == ["worst_sample_error"]
    # One of two near ties tips over: as sound as rounding is.
    tipped = {"y": golden["y"] * 0.5 + np.roll(golden["y"], 1, axis=1) * 0.4}
    parity = compare(tip(tipped), tipped, {"y": True})
    assert not judge("onnx/int8", {**result, "parity": parity}, held, Facts(1)).missed


def tip(golden):
    swapped = golden["y"].copy()
    swapped[7] = np.where(swapped[7] == 0.5, 0.4, np.where(swapped[7] == 0.4, 0.5, 0))
    return {"y": swapped}


def test_a_bound_on_single_samples_is_none_on_whole_numbers():
    """The number of a class tells nothing by how far it is from another's; and a trained network
    may answer a few samples otherwise."""
    golden = {"label": np.arange(40)}
    broken = {"label": np.where(np.arange(40) == 7, 900, golden["label"])}
    result = {"target": NATIVE.id, "parity": compare(broken, golden, {}), "accuracy": None}
    assert result["parity"]["worst_sample_error"] is None
    assert not judge("onnx/int8", result, {"worst_sample_error": 1.2}, Facts(1)).missed
    assert "worst_sample_error" not in bounds_for(
        "onnx/small", NATIVE, {}, ("trained",), usual=None
    )
    assert "worst_sample_error" not in bounds_for("onnx/int8", NATIVE, {}, INT8, usual={})


def test_a_bound_on_shapes_says_nothing_where_none_depends_on_the_sample():
    golden = {"y": np.eye(4, dtype=np.float32)}
    result = {"target": NATIVE.id, "parity": compare(golden, golden, {}), "accuracy": None}
    assert not judge("onnx/fp32", result, {"other_shapes": 0}, Facts(1)).missed
    (told,) = not_applied(result, {"other_shapes": 0})
    assert told["reason"] == "no output's shape depends on the sample"
