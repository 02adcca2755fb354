from __future__ import annotations

import re

from manifests import manifest

from pipeline.report import bars
from pipeline.report.artifact import Group
from pipeline.report.quality import size_against_quality
from pipeline.report.release import Release
from pipeline.report.vega import PALETTE


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_bars_carry_ratios_and_medians() -> None:
    release = Release(manifest())
    svg = bars.latency(release.groups[0], "tfjs-wasm@firefox", 130, 1.0)
    written = texts(svg)
    assert [name for name in written if "/" in name] == [
        f"tfjs-graph/{variant}" for variant in ("fp32", "fp16", "uint8")
    ]
    assert written.count("0.90×") == 2 and written.count("1.5 ms") == 3
    assert "time relative to fp32" in written
    assert PALETTE["better"] in svg and PALETTE["worse"] not in svg


def test_what_was_timed_with_nothing_has_no_bar() -> None:
    made = manifest()
    made["artifacts"][2]["validation"][1]["latency"]["ratio"] = None
    release = Release(made)
    svg = bars.latency(release.groups[0], "tfjs-wasm@firefox", 130, 1.0)
    told = re.findall(r'"value: ([\d.]+); name: ([^";]+)', svg)
    drawn = {name: float(length) for length, name in told}
    assert drawn["tfjs-graph/fp32"] == 1.0
    assert drawn["tfjs-graph/uint8"] == 0.0
    assert texts(svg).count("1.5 ms") == 3


def test_a_rasterizers_time_is_not_judged() -> None:
    release = Release(manifest())
    svg = bars.latency(release.groups[0], "tfjs-webgl@firefox", 130, 1.0)
    assert PALETTE["better"] not in svg and PALETTE["same"] in svg


def test_medians_where_nothing_was_timed_beside_float32() -> None:
    made = manifest()
    for proof in made["artifacts"][0]["validation"]:
        if proof["status"] == "pass":
            proof["latency"]["ratio"] = None
    svg = bars.latency(Group(tuple(Release(made).artifacts[:1])), "tfjs-wasm@firefox", 130, 1.0)
    assert "median ms, line to the 90th percentile" in texts(svg)
    assert (
        bars.latency(Group(tuple(Release(made).artifacts[:1])), "tfjs-webgpu@webkit", 130, 1.0)
        == ""
    )


def test_one_wide_interval_does_not_make_all_bars_short() -> None:
    made = manifest()
    made["artifacts"][1]["validation"][0]["latency"]["ratio"]["high"] = 9.0
    assert bars.longest(Release(made).artifacts) == bars.WIDEST
    made["artifacts"][1]["validation"][0]["latency"]["ratio"]["value"] = 3.0
    assert bars.longest(Release(made).artifacts) == 3.0 * 1.1


def test_quality_names_every_artifact_and_its_unit() -> None:
    made = manifest()
    written = texts(size_against_quality(Release(made), 800, 300))
    assert {a["id"] for a in made["artifacts"]} <= set(written)
    assert {"accuracy", "KB on the wire", "tfjs-graph", "onnx"} <= set(written)
    assert "fp32" in texts(size_against_quality(Release(made), 260, 300, short=True))


def test_sizes_that_are_not_compressed_and_large_are_said_to_be_so() -> None:
    made = manifest()
    for artifact in made["artifacts"]:
        artifact |= {"bytes": artifact["bytes"] * 10, "br_bytes": None}
    assert "MB of files" in texts(size_against_quality(Release(made), 800, 300))


def timed(made: dict, artifact: int, target: str, median_ms: float, **ratio: object) -> None:
    for proof in made["artifacts"][artifact]["validation"]:
        if proof["target"] == target:
            proof["latency"]["median_ms"] = median_ms
            if ratio:
                proof["latency"]["ratio"] |= ratio


def test_times_beside_a_ratio_agree_with_it_however_busy_the_machine_was() -> None:
    made = manifest()
    on = "tfjs-wasm@firefox"
    # uint8 was proved while other work made everything ten times as slow.
    timed(made, 0, on, 14.9)
    timed(made, 1, on, 16.0, value=1.1, reference_ms=14.5)
    timed(made, 2, on, 292.0, value=2.12, reference_ms=137.7)
    group = Release(made).groups[0]
    shown = [group.milliseconds(proof) for one in group.artifacts if (proof := one.proof(on))]
    assert shown == [14.5, 14.5 * 1.1, 14.5 * 2.12]
    written = texts(bars.latency(group, on, 130, 2.2))
    assert {"14.5 ms", "16.0 ms", "30.7 ms", "2.12×"} <= set(written)
    assert "292 ms" not in written


def test_a_narrow_chart_names_neighbours_once() -> None:
    made = manifest()
    near, far = made["artifacts"][3], made["artifacts"][4]
    near["br_bytes"] = made["artifacts"][0]["br_bytes"] + 2000
    far["br_bytes"] = made["artifacts"][1]["br_bytes"] // 3
    written = texts(size_against_quality(Release(made), 260, 300, short=True))
    assert written.count("fp32") == 1
    assert written.count("fp16") == 2, "two points far from each other need a name each"
