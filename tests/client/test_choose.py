"""The rule by which an artifact and a backend are chosen, on releases and devices of all kinds."""

from __future__ import annotations

from typing import Any

import pytest
from client_fixtures import Site
from client_page import ScriptPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

CHOOSE = """
const { choose } = await import(`${args.client}/choose.js`);
const { reason } = await import(`${args.client}/explain.js`);
const all = choose(args.manifest, args.device, args.wish);
const named = ({ artifact, backend, parts }) =>
  [artifact.id, backend, ...parts.map(({ name }) => name)];
const tiers = all.filter(({ out }) => !out).map(named);
const why = (tier) => `${tier.artifact.id} on ${tier.backend}: ${reason(tier)}`;
return { tiers, out: all.filter(({ out }) => out).map(why) };
"""

RUNTIMES = {
    "tfjs-wasm": {"": (150, []), "plain": (100, []), "simd": (100, ["simd"]),
                  "threads": (110, ["simd", "threads"])},
    "tfjs-webgl": {"": (200, [])},
    "tfjs-webgpu": {"": (200, [])},
    "ort-wasm": {"": (30, []), "wasm": (3000, ["simd"])},
    "ort-webgpu": {"": (30, []), "wasm": (5000, ["simd"])},
}  # fmt: skip


def runtime(name: str) -> dict[str, Any]:
    files = [
        {"name": file, "path": f"{name}/{file}", "features": needs,
         "bytes": kb * 3000, "br_bytes": kb * 1000}
        for file, (kb, needs) in RUNTIMES[name].items()
    ]  # fmt: skip
    return {"entry": files[0]["path"], "files": files}


def proof(target: str, ms: float, kind: str = "cpu", status: str = "pass") -> dict[str, Any]:
    backend, _, engine = target.partition("@")
    measured = {"hardware": {"kind": kind}, "latency": {"median_ms": ms, "first_ms": 2 * ms}}
    return {"backend": backend, "engine": engine or None, "status": status, **measured}


def artifact(id: str, kb: int, *proofs: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"dominated_by": None, "accuracy": {"value": 0.98}, "half_precision": {"safe": None}}
    whole = {"id": id, "format": id.partition("/")[0], "bytes": kb * 2000, "br_bytes": kb * 1000}
    return {**whole, "validation": [*proofs], **plain, **more}


def device(**more: Any) -> dict[str, Any]:
    plain = {"engine": "chromium", "features": ["simd"], "threads": 1, "webgl": None,
             "webgpu": None, "speed": 1_250_000, "sparing": False}  # fmt: skip
    return {**plain, **more}


GPU = {"software": False, "name": "a GPU", "bits": 32, "f16": True, "maxBytes": 2**31}
GRAPH, SMALL, ONNX = "tfjs-graph/fp32", "tfjs-graph/uint8", "onnx/fp32"


@pytest.fixture
def chosen(page: ScriptPage, site: Site) -> Any:
    def choose(artifacts: list[Any], where: dict[str, Any], **wish: Any) -> Any:
        manifest = {"artifacts": artifacts, "source": {"parameters": 10_000_000},
                    "runtimes": {name: runtime(name) for name in RUNTIMES}}  # fmt: skip
        return page.run(CHOOSE, client=site.sources, manifest=manifest, device=where, wish=wish)

    return choose


def pairs(said: Any) -> list[tuple[str, str]]:
    return [(one[0], one[1]) for one in said["tiers"]]


def test_fewer_bytes_win_where_runs_are_alike(chosen: Any) -> None:
    proofs = [proof("tfjs-wasm@chromium", 5)]
    said = chosen([artifact(GRAPH, 900, *proofs), artifact(SMALL, 250, *proofs)], device())
    assert pairs(said) == [(SMALL, "tfjs-wasm"), (GRAPH, "tfjs-wasm")]


def test_faster_runs_win_where_they_make_up_for_bytes(chosen: Any) -> None:
    artifacts = [
        artifact(GRAPH, 900, proof("tfjs-wasm@chromium", 5)),
        artifact(SMALL, 250, proof("tfjs-wasm@chromium", 50)),
    ]
    assert pairs(chosen(artifacts, device()))[0] == (GRAPH, "tfjs-wasm")
    assert pairs(chosen(artifacts, device(speed=50_000)))[0] == (SMALL, "tfjs-wasm")
    assert pairs(chosen(artifacts, device(sparing=True)))[0] == (SMALL, "tfjs-wasm")


def test_a_gpu_is_used_where_it_was_measured_on_one(chosen: Any) -> None:
    wasm = proof("tfjs-wasm@chromium", 50)
    measured = [artifact(GRAPH, 900, wasm, proof("tfjs-webgpu@chromium", 4, "gpu"))]
    assert pairs(chosen(measured, device(webgpu=GPU)))[0] == (GRAPH, "tfjs-webgpu")
    software = device(webgpu={**GPU, "software": True})
    assert pairs(chosen(measured, software)) == [(GRAPH, "tfjs-wasm"), (GRAPH, "tfjs-webgpu")]
    unmeasured = [artifact(GRAPH, 900, wasm, proof("tfjs-webgpu@chromium", 4, "software"))]
    assert pairs(chosen(unmeasured, device(webgpu=GPU)))[0] == (GRAPH, "tfjs-wasm")
    said = chosen(measured, device())
    assert pairs(said) == [(GRAPH, "tfjs-wasm")]
    assert said["out"] == [f"{GRAPH} on tfjs-webgpu: not offered by this browser"]


def test_what_was_proved_in_this_engine_comes_first(chosen: Any) -> None:
    artifacts = [
        artifact(SMALL, 250, proof("tfjs-wasm@chromium", 5)),
        artifact(ONNX, 900, proof("ort-wasm@firefox", 5)),
    ]
    assert pairs(chosen(artifacts, device(engine="firefox")))[0] == (ONNX, "ort-wasm")
    assert pairs(chosen(artifacts, device(engine="webkit")))[0] == (SMALL, "tfjs-wasm")


def test_what_failed_in_this_engine_is_out(chosen: Any) -> None:
    mixed = [proof("tfjs-wasm@chromium", 5), proof("tfjs-wasm@webkit", 5, status="fail")]
    artifacts = [artifact(SMALL, 250, *mixed)]
    assert pairs(chosen(artifacts, device(engine="firefox"))) == [(SMALL, "tfjs-wasm")]
    assert pairs(chosen(artifacts, device(engine="webkit"))) == []


def test_half_precision_asks_for_a_proof(chosen: Any) -> None:
    webgl = proof("tfjs-webgl@chromium", 5, "gpu")
    phone = device(webgl={**GPU, "bits": 16})
    for safe, left in ((True, [(GRAPH, "tfjs-webgl")]), (False, []), (None, [])):
        artifacts = [artifact(GRAPH, 900, webgl, half_precision={"safe": safe})]
        assert pairs(chosen(artifacts, phone)) == left
        assert pairs(chosen(artifacts, device(webgl=GPU))) == [(GRAPH, "tfjs-webgl")]


def test_a_gpus_limits_count(chosen: Any) -> None:
    webgpu = proof("ort-webgpu@chromium", 5, "gpu")
    half = [artifact("onnx/fp16", 900, webgpu)]
    assert pairs(chosen(half, device(webgpu=GPU))) == [("onnx/fp16", "ort-webgpu")]
    assert "no 16-bit shaders" in chosen(half, device(webgpu={**GPU, "f16": False}))["out"][0]
    # Ten million parameters may be one tensor of 40 MB.
    assert "too large" in chosen(half, device(webgpu={**GPU, "maxBytes": 2**25}))["out"][0]


def test_dominated_artifacts_come_last_unless_they_are_asked_for(chosen: Any) -> None:
    proofs = [proof("tfjs-wasm@chromium", 5)]
    beaten = artifact(GRAPH, 100, *proofs, dominated_by=SMALL)
    artifacts = [beaten, artifact(SMALL, 250, *proofs)]
    both = [(SMALL, "tfjs-wasm"), (GRAPH, "tfjs-wasm")]
    assert pairs(chosen(artifacts, device())) == both
    assert pairs(chosen(artifacts, device(), artifact=GRAPH)) == both[1:]
    assert pairs(chosen(artifacts, device(), backend="tfjs-wasm")) == both[::-1]


def test_a_dominated_artifact_runs_where_the_better_one_does_not(chosen: Any) -> None:
    artifacts = [
        artifact(ONNX, 100, proof("ort-wasm@chromium", 5), dominated_by="onnx/int8"),
        artifact("onnx/int8", 80, proof("ort-webgpu@chromium", 1, "gpu")),
    ]
    assert pairs(chosen(artifacts, device())) == [(ONNX, "ort-wasm")]
    assert pairs(chosen(artifacts, device(webgpu=GPU), backend="ort-wasm")) == [(ONNX, "ort-wasm")]
    assert pairs(chosen(artifacts, device(webgpu=GPU)))[0] == ("onnx/int8", "ort-webgpu")


def test_of_equals_the_safer_is_taken(chosen: Any) -> None:
    proofs = [proof("tfjs-wasm@chromium", 5)]
    equals = [
        artifact(SMALL, 250, *proofs, accuracy={"value": 0.97}),
        artifact(GRAPH, 252, *proofs, accuracy={"value": 0.99}),
    ]
    assert pairs(chosen(equals, device()))[0] == (GRAPH, "tfjs-wasm")


def test_the_wasm_build_follows_what_there_is(chosen: Any) -> None:
    artifacts = [artifact(SMALL, 250, proof("tfjs-wasm@chromium", 5))]
    for features, build in (([], "plain"), (["simd"], "simd"), (["simd", "threads"], "threads")):
        (tier,) = chosen(artifacts, device(features=features))["tiers"]
        assert tier[2:] == ["", build]
    onnx = [artifact(ONNX, 250, proof("ort-wasm@chromium", 5))]
    assert chosen(onnx, device(features=[]))["tiers"] == []


def test_what_no_browser_can_run_is_out(chosen: Any) -> None:
    unavailable = {"backend": "tfjs-wasm", "engine": "webkit", "status": "unavailable"}
    said = chosen([artifact(SMALL, 250, unavailable, proof("onnxruntime-cpu@", 5))], device())
    assert (said["tiers"], said["out"]) == ([], [f"{SMALL} on tfjs-wasm: did not pass"])
    said = chosen([artifact(SMALL, 250, proof("tfjs-cpu@chromium", 5))], device())
    assert (said["tiers"], said["out"]) == (
        [],
        [f"{SMALL} on tfjs-cpu: no runtime in this release"],
    )


def test_a_wish_leaves_only_what_it_names(chosen: Any) -> None:
    artifacts = [
        artifact(
            GRAPH, 900, proof("tfjs-wasm@chromium", 5), proof("tfjs-webgl@chromium", 9, "gpu")
        ),
        artifact(SMALL, 250, proof("tfjs-wasm@chromium", 5)),
    ]
    here = device(webgl=GPU)
    assert pairs(chosen(artifacts, here, backend="tfjs-webgl")) == [(GRAPH, "tfjs-webgl")]
    assert {one for one, _ in pairs(chosen(artifacts, here, artifact=GRAPH))} == {GRAPH}
    assert pairs(chosen(artifacts, here, artifact="none")) == []
