from __future__ import annotations

from typing import Any

import pytest

from pipeline.validate.dominance import find_dominated

FP32 = "tfjs-graph/fp32"


def proof(target: str, ratio: float | None, half: float, **changes: Any) -> dict[str, Any]:
    interval = ratio and {
        "value": ratio,
        "low": ratio / (1 + half),
        "high": ratio * (1 + half),
        "reference": FP32,
    }
    return {
        "target": target,
        "status": "pass",
        "hardware": {"kind": "cpu"},
        "parity": {"snr_db": 40.0},
        "latency": {"ratio": interval},
    } | changes


def artifact(
    name: str,
    br_bytes: int | None = 1000,
    ratio: float | None = 1.0,
    *,
    half: float = 0.02,
    snr_db: float = 40.0,
    accuracy: float | None = 0.98,
    width: float = 0.02,
    **changes: Any,
) -> dict[str, Any]:
    parity = {"snr_db": snr_db}
    return {
        "id": name,
        "format": name.partition("/")[0],
        "br_bytes": br_bytes,
        "accuracy": accuracy
        and {
            "metric": "top1_accuracy",
            "value": accuracy,
            "low": accuracy - width / 2,
            "high": accuracy + width / 2,
        },
        "validation": [
            proof("tfjs-wasm@chromium", ratio, half, parity=parity),
            proof("tfjs-webgl@chromium", ratio, half, parity=parity),
        ],
    } | changes


FLOAT = artifact(FP32, 4000, None, snr_db=130)
UINT8 = artifact("tfjs-graph/uint8")


def by(*artifacts: dict[str, Any]) -> dict[str, str]:
    found = find_dominated([FLOAT, *artifacts], {FP32})
    return {name: one.by for name, one in found.items()}


def test_what_saves_nothing_is_dominated() -> None:
    q4 = artifact("tfjs-graph/q4", 1005, snr_db=20, accuracy=0.97)
    assert by(UINT8, q4) == {"tfjs-graph/q4": "tfjs-graph/uint8"}
    reason = find_dominated([FLOAT, UINT8, q4], {FP32})["tfjs-graph/q4"].reason
    assert reason == (
        "1,005 bytes after brotli against 1,000, faster on none of 2 targets, "
        "top1_accuracy 97.00% against 98.00%"
    )


def test_float32_stays_and_may_dominate() -> None:
    larger = artifact("tfjs-graph/odd", 4100, 1.0)
    assert find_dominated([FLOAT, UINT8, larger], {FP32}).keys() == {"tfjs-graph/odd"}
    assert by(artifact("tfjs-graph/odd", 4100, 1.0, accuracy=0.97)) == {"tfjs-graph/odd": FP32}


@pytest.mark.parametrize(
    "earns",
    [
        pytest.param({"br_bytes": 980}, id="smaller"),
        pytest.param({"ratio": 0.9}, id="faster"),
        pytest.param({"accuracy": 0.981}, id="more accurate"),
        pytest.param({"format": "tfjs-layers"}, id="another format"),
        pytest.param({"br_bytes": None}, id="size not known"),
        pytest.param({"ratio": None}, id="not timed"),
        pytest.param({"half_precision": {"safe": True}}, id="safe on half-precision GPUs"),
    ],
)
def test_whoever_earns_its_bytes_stays(earns: dict[str, Any]) -> None:
    assert "tfjs-graph/x" not in by(UINT8, artifact("tfjs-graph/x", **{"snr_db": 30.0, **earns}))


@pytest.mark.parametrize(
    "earns_not",
    [
        pytest.param({"br_bytes": 995}, id="half a percent smaller"),
        pytest.param({"ratio": 0.96}, id="no faster than another session of the same"),
        pytest.param({"ratio": 0.7, "half": 0.5}, id="faster, perhaps"),
        pytest.param({"accuracy": 0.98, "snr_db": 50}, id="as accurate, though more alike"),
        pytest.param({"accuracy": 0.97}, id="less accurate, within noise"),
    ],
)
def test_whoever_does_not_goes(earns_not: dict[str, Any]) -> None:
    twin = artifact("tfjs-graph/x", **{"snr_db": 30.0, **earns_not})
    assert by(UINT8, twin) == {"tfjs-graph/x": "tfjs-graph/uint8"}


@pytest.mark.parametrize("how", [{"accuracy": None}, {"width": 0.2}])
def test_without_a_telling_accuracy_the_noise_decides(how: dict[str, Any]) -> None:
    one = artifact("tfjs-graph/uint8", snr_db=40, **how)
    assert by(one, artifact("tfjs-graph/x", snr_db=39, **how)) == {
        "tfjs-graph/x": "tfjs-graph/uint8"
    }
    assert by(one, artifact("tfjs-graph/x", 1100, snr_db=41, **how)) == {}
    # Above 100 dB is float32's rounding.
    one = artifact("tfjs-graph/uint8", snr_db=120, **how)
    assert by(one, artifact("tfjs-graph/x", 1100, snr_db=130, **how)) != {}


def test_noise_counts_where_both_ran() -> None:
    one = artifact("tfjs-graph/uint8", snr_db=40, accuracy=None)
    more = proof("tfjs-webgl@firefox", 1.0, 0.02, parity={"snr_db": 10.0})
    one["validation"].append(more)
    twin = artifact("tfjs-graph/x", snr_db=39, accuracy=None)
    assert by(one, twin) == {"tfjs-graph/x": "tfjs-graph/uint8"}


def test_speed_on_a_rasterizer_does_not_count() -> None:
    quick = artifact("tfjs-graph/x", accuracy=0.97)
    quick["validation"][1] = proof("tfjs-webgl@chromium", 0.2, 0.02, hardware={"kind": "software"})
    assert by(UINT8, quick) == {"tfjs-graph/x": "tfjs-graph/uint8"}
    quick["validation"][1]["hardware"] = {"kind": "gpu"}
    assert by(UINT8, quick) == {}


def test_what_runs_where_the_other_does_not_stays() -> None:
    narrow = artifact("tfjs-graph/uint8")
    narrow["validation"][1].update(status="unavailable")
    assert by(narrow, artifact("tfjs-graph/x", 1100, accuracy=0.97)) == {}


def test_what_failed_neither_dominates_nor_is_dominated() -> None:
    failed = artifact("tfjs-graph/x", 2000, accuracy=0.5)
    failed["validation"][0].update(status="fail")
    assert by(UINT8, failed) == {}
    failed["br_bytes"] = 10
    failed["accuracy"] = FLOAT["accuracy"]
    assert by(UINT8, failed) == {}


def test_of_equal_ones_the_first_stays() -> None:
    twins = [artifact(f"tfjs-graph/{name}") for name in "abc"]
    assert by(*twins) == {"tfjs-graph/b": "tfjs-graph/a", "tfjs-graph/c": "tfjs-graph/a"}


def test_the_one_named_stays_itself() -> None:
    best = artifact("tfjs-graph/best", 500, accuracy=0.99, snr_db=30)
    middle = artifact("tfjs-graph/middle", 700, accuracy=0.985, snr_db=60)
    worst = artifact("tfjs-graph/worst", 900, accuracy=0.98)
    assert set(by(worst, middle, best).values()) == {"tfjs-graph/best"}
    assert by(worst, middle, best).keys() == {"tfjs-graph/worst", "tfjs-graph/middle"}


def test_of_what_is_better_where_it_is_less_the_nearer_stays(distance: str) -> None:
    def off(name: str, value: float, half: float) -> dict[str, Any]:
        reach = {"low": value - half, "high": value + half}
        return artifact(name, accuracy=None) | {
            "accuracy": {"metric": distance, "value": value, **reach}
        }

    near, away = off("tfjs-graph/near", 30.0, 0.5), off("tfjs-graph/away", 31.0, 0.5)
    found = find_dominated([FLOAT, away, near], {FP32})
    assert {name: one.by for name, one in found.items()} == {away["id"]: near["id"]}
    assert found[away["id"]].reason.endswith("distance 31 px against 30 px")
    away["accuracy"] |= {"low": 30.0, "high": 32.0}
    told = find_dominated([FLOAT, away, near], {FP32}).values()
    assert all("signal to noise" in one.reason for one in told), "an interval of over a twentieth"
