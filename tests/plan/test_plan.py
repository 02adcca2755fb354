from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.backends.gpu import host_gpu
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.base.registry import discover
from pipeline.config.file import load_config
from pipeline.engine.step import StepFunction
from pipeline.plan import Plan, make_plan
from pipeline.validate.tolerances import TOLERANCES

ROOT = Path(__file__).parents[2]
ENGINES = ("chromium", "firefox", "webkit")
MOBILENET = ROOT / "configs" / "mobilenet.yaml"
OPTIMIZED = ROOT / "configs" / "mobilenet-optimized.yaml"


def planned(*overrides: str, config: Path = MOBILENET) -> Plan:
    return make_plan(load_config(config, overrides))


def test_all_proves_every_artifact_everywhere() -> None:
    plan = planned("validate.backends=all")
    proofs = {artifact.id: set(artifact.proofs) for artifact in plan.artifacts}
    in_browsers = {f"tfjs-{b}@{e}" for b in ("wasm", "webgl") for e in ENGINES}
    assert proofs["tfjs-layers/fp32"] >= in_browsers | {"tfjs-webgpu@chromium"}
    assert proofs["onnx/int8"] >= {"onnxruntime-cpu", *(f"ort-wasm@{e}" for e in ENGINES)}
    assert all(artifact.proofs for artifact in plan.artifacts)


def test_these_artifacts_are_made_and_proved_where_the_config_says() -> None:
    plan = planned()
    tfjs = ["tfjs-wasm@chromium", "tfjs-webgl@chromium"]
    onnx = ["onnxruntime-cpu", "ort-wasm@chromium"]
    assert {a.id: list(a.proofs) for a in plan.artifacts} == {
        "tfjs-graph/fp32": tfjs,
        "tfjs-layers/fp32": tfjs,
        "onnx/fp32": onnx,
        "tfjs-graph/fp16": tfjs,
        "onnx/fp16": onnx,
        "tfjs-graph/uint8": tfjs,
        "onnx/int8": onnx,
    }
    assert {left.id: left.reason for left in plan.left_out} == {
        "tfjs-graph/int8": "TF.js has no quantized operators: int8 activations need ONNX"
    }


def test_weights_that_are_to_stay_are_looked_for_before_they_are_packaged() -> None:
    plan = planned("variants.uint8.quantize.keep.top1_agreement=0.99")
    package, kept = plan.nodes["package tfjs-graph/uint8"], plan.nodes["keep tfjs-graph/uint8"]
    assert package.inputs == {"model": "convert tfjs-graph", "kept": "keep tfjs-graph/uint8"}
    assert kept.inputs == {"model": "convert tfjs-graph", "samples": "samples"}
    assert kept.function.lane == "tensorflow"
    assert kept.options.keep.bounds() == {"top1_agreement": 0.99}
    assert "keep" not in {**package.options.codec_options, **kept.options.codec_options}
    assert [name for name in plan.nodes if name.startswith("keep ")] == [kept.id]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ((), set()),
        (("variants.int8.quantize.portable=false",), {"onnx/int8"}),
        (("validate.gates.onnx/fp16.portable=false",), {"onnx/fp16"}),
    ],
)
def test_only_what_the_config_names_may_be_wrong_on_some_processors(
    said: tuple[str, ...], wrong: set[str]
) -> None:
    plan = planned(*said)
    assert {a.id for a in plan.artifacts if a.unportable} == wrong
    assert {a.id for a in plan.artifacts if a.portable} == {
        a.id for a in plan.artifacts if a.format == "onnx"
    }
    bounds = [bound for a in plan.artifacts for bound in a.bounds.values()]
    assert not any("portable" in bound for bound in bounds)


@pytest.mark.parametrize(
    ("technique", "given", "kept", "integers"),
    [
        ("round: {bits: 4}", 65536, 129, "{to: int8}"),
        ("round: {bits: 4}", 65536, 256, "{to: int8, portable: false}"),
        ("qat: {levels: 255}", 255, 129, "{to: int8}"),
    ],
)
def test_what_int8_rounds_again_is_said(
    technique: str, given: int, kept: int, integers: str
) -> None:
    key = technique.partition(":")[0]
    chain = f"variants.int8={{{technique}, quantize: {integers}}}"
    assert planned(chain).notes == [
        f"variants.int8: {key} may give a weight {given} values, and int8 keeps {kept}: weights "
        "with more are rounded anew, by what they are and not by what they do; "
        f"set {key}.levels to {kept}"
    ]
    # What it says to do is right.
    assert not planned(chain, f"variants.int8.{key}.levels={kept}").notes


def test_what_int8_keeps_is_no_note() -> None:
    for chain in (
        "{round: {levels: 129}, quantize: int8}",
        "{qat: {activations: int8}, quantize: int8}",
        "{qat: 255, quantize: {to: int8, portable: false}}",
        "{round: 4, quantize: uint8}",
    ):
        assert not planned(f"variants.int8={chain}").notes


def test_the_default_trains_nothing_and_the_optimized_one_does() -> None:
    trained = {"qat", "distill", "prune", "channels", "cluster"}
    for config, names in ((MOBILENET, set()), (OPTIMIZED, {"qat small", "distill fast"})):
        steps = planned(config=config).nodes
        assert {name for name in steps if name.split()[0] in trained} == names


def test_steps_come_after_what_they_need() -> None:
    seen: set[str] = set()
    for node in planned().nodes.values():
        assert set(node.needs()) <= seen
        seen.add(node.id)


def test_a_format_is_converted_once_for_all_its_weight_variants() -> None:
    converts = [name for name in planned(config=OPTIMIZED).nodes if name.startswith("convert")]
    assert sorted(converts) == [
        "convert onnx",
        "convert onnx fast",
        "convert onnx small",
        "convert tfjs-graph",
        "convert tfjs-graph fast",
        "convert tfjs-graph small",
        "convert tfjs-layers",
    ]


def test_files_are_compressed_where_something_may_be_published() -> None:
    compressed = {n.removeprefix("compress ") for n in planned().nodes if "compress" in n}
    assert compressed == {artifact.id for artifact in planned().artifacts}
    without = make_plan(load_config(MOBILENET), browsers=False)
    assert not any("compress" in name for name in without.nodes)


@pytest.mark.parametrize(
    ("backends", "compressed"),
    [
        ("[onnxruntime-cpu, tensorflow]", True),
        ("[all, tensorflow]", True),
        ("[onnxruntime-cpu, tensorflow, tfjs-wasm]", False),
        ("all", False),
    ],
)
def test_what_needs_no_browser_is_compressed_without_one(backends: str, compressed: bool) -> None:
    sets = (f"validate.backends={backends}", "export={tfjs-graph: {}, onnx: {}}")
    plan = make_plan(load_config(MOBILENET, sets), browsers=False)
    assert any("compress" in name for name in plan.nodes) is compressed


def test_float32_has_no_latency_gate_since_others_are_timed_with_it() -> None:
    plan = planned("validate.gates.default={latency_ratio: 1.2, cosine: 0.9}")
    held = {a.id for a in plan.artifacts for one in a.bounds.values() if "latency_ratio" in one}
    assert held == {a.id for a in plan.artifacts if a.variant != "fp32"}


SMALL = (
    "export={tfjs-graph: {}, tfjs-layers: {variants: [fp32]}, onnx: {variants: [fp32, int8]}}",
    "variants={fp32: {}, uint8: {quantize: uint8}, int8: {quantize: int8}}",
    "validate={backends: [onnxruntime-cpu, tfjs-wasm], gates: {default: {latency_ratio: 3}}}",
)
ERROR = PipelineError("went wrong", where="there", todo="do this")


@pytest.mark.parametrize(
    ("step", "lost"),
    [
        ("convert tfjs-layers", {"tfjs-layers/fp32"}),
        ("operators onnx", {"onnx/fp32", "onnx/int8"}),
        ("convert onnx", {"onnx/fp32", "onnx/int8"}),
        ("int8 onnx/int8", {"onnx/int8"}),
        ("package tfjs-graph/fp32", {"tfjs-graph/fp32"}),
        ("compress tfjs-graph/uint8", {"tfjs-graph/uint8"}),
        ("prove tfjs-graph/uint8 tfjs-wasm@chromium", {"tfjs-graph/uint8"}),
    ],
)
def test_a_failed_step_costs_the_artifacts_that_need_it(step: str, lost: set[str]) -> None:
    plan = planned(*SMALL)
    assert set(plan.lost({step: ERROR})) == lost
    assert not plan.is_hopeless([step])
    smaller = make_plan(plan.config, failed=plan.lost({step: ERROR}))
    assert {a.id for a in smaller.artifacts} == {a.id for a in plan.artifacts} - lost
    assert step not in smaller.nodes or step.startswith("operators")
    told = smaller.nodes["manifest"].options.not_made  # type: ignore[attr-defined]
    assert {one.id: (one.step, one.reason, one.todo) for one in told} == dict.fromkeys(
        lost, (step, "there: went wrong", "do this")
    )


SHARED = ("pull", "freeze", "samples", "golden", "check golden", "ranges", "client", "demo")


@pytest.mark.parametrize("step", [*SHARED, "runtime tfjs-wasm", "identify source", "manifest"])
def test_a_step_that_all_artifacts_need_leaves_nothing_to_be_made(step: str) -> None:
    plan = planned(*SMALL)
    assert step in plan.nodes
    assert plan.is_hopeless([step])


def test_nothing_is_left_where_each_artifact_is_lost_by_itself() -> None:
    plan = planned(*SMALL)
    failed = ["convert tfjs-layers", "convert tfjs-graph"]
    assert not plan.is_hopeless(failed)
    assert plan.is_hopeless([*failed, "convert onnx"])


def test_without_float32_the_others_are_proved_and_not_timed_with_it() -> None:
    plan = planned(*SMALL)
    proof = "prove tfjs-graph/uint8 tfjs-wasm@chromium"
    assert plan.nodes[proof].inputs["reference"] == "package tfjs-graph/fp32"
    lost = plan.lost({"package tfjs-graph/fp32": ERROR})
    assert "reference" not in make_plan(plan.config, failed=lost).nodes[proof].inputs


def test_a_variant_that_fits_no_format_is_an_error() -> None:
    with pytest.raises(ConfigError, match="variant int8 would be exported to no format"):
        planned("export.onnx.variants=[fp32]")


def test_an_artifact_that_nothing_could_prove_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no backend named there runs tfjs-graph/fp32") as caught:
        planned("validate.backends=[onnxruntime-cpu]")
    assert "tfjs-wasm" in caught.value.todo


def test_int4_needs_onnx_and_a_later_opset_there() -> None:
    plan = planned("variants.fp16.quantize=int4", "export.onnx.opset=21")
    left_out = {left.id: left.reason for left in plan.left_out}
    assert "no 4-bit weights" in left_out["tfjs-graph/fp16"]
    assert "onnx/fp16" not in left_out
    with pytest.raises(ConfigError, match="int4 weights since opset 21"):
        planned("variants.fp16.quantize=int4")


def test_layers_models_need_layers(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    config = tmp_path / "x.yaml"
    config.write_text(
        "name: x\nlicense: MIT\nsource: {saved_model: model}\nvariants: {fp32: {}}\n"
        "export: {tfjs-graph: {}, tfjs-layers: {}}\n"
    )
    (left,) = make_plan(load_config(config)).left_out
    assert (left.id, "Keras layers" in left.reason) == ("tfjs-layers/fp32", True)


PLAN_ONLY = """
import sys
from pipeline.backends.gpu import host_gpu
from pipeline.config.file import load_config
from pipeline.plan import make_plan
make_plan(load_config(sys.argv[1]))
heavy = {"tensorflow", "keras", "tf_keras", "onnx", "onnxruntime", "tf2onnx", "numpy", "h5py",
         "playwright", "httpx", "PIL", "rich"}
print(sorted(heavy & set(sys.modules)))
"""


def test_planning_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", PLAN_ONLY, MOBILENET]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "marker"), [("backends.web.engines", "ENGINE"), ("tasks", "TASK")]
)
def test_every_module_found_keeps_its_folders_contract(package: str, marker: str) -> None:
    found = discover(package, marker)
    assert found
    for name, module in found.items():
        for thing in vars(module).values():
            if isinstance(thing, StepFunction):
                assert thing.body.__doc__, f"{name}: {thing.name} has no docstring"
                assert thing.options_type.model_json_schema()


def test_every_config_key_has_help() -> None:
    schema = json.loads((ROOT / "pipeline" / "config" / "config.schema.json").read_text())
    places = {"Config": schema, **schema["$defs"]}
    bare = [
        f"{place}.{key}"
        for place, definition in places.items()
        for key, value in definition.get("properties", {}).items()
        if not (value.get("description") or "$ref" in value)
    ]
    assert bare == []


def test_the_committed_schema_is_the_current_one() -> None:
    from pipeline.config.schema import PATH, text

    assert PATH.read_text() == text(), "run `pipeline schema --write`"


def test_an_artifact_is_held_to_its_targets_own_bounds() -> None:
    gates = "validate.gates={default: {accuracy_drop: 0.5}, fp32 tfjs-webgl: {cosine: 0.9}}"
    plan = planned(gates, config=OPTIMIZED)
    (fp32,) = [a for a in plan.artifacts if a.id == "tfjs-graph/fp32"]
    assert fp32.bounds == {
        "tfjs-wasm@chromium": {"accuracy_drop": 0.5, "relative_error": TOLERANCES["float32"]},
        "tfjs-webgl@chromium": {"accuracy_drop": 0.5, "cosine": 0.9},
    }
    told = plan.nodes["check golden"].options.model_dump()["bounds"]
    assert "tfjs-graph/fp32 tfjs-webgl@chromium" in told and "tfjs-graph/fp32" not in told
    assert told["tfjs-graph/small"]["relative_error"] == TOLERANCES["uint8"], "all targets' own"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "source.accuracy=98",
            "source.accuracy: accuracy is 98, and the task",
        ),
        (
            "validate.gates={onnx: {accuracy_drop: 5}}",
            "validate.gates: accuracy_drop of onnx/fp32 is 5, and the task image-classification",
        ),
        (
            "validate.gates={default: {top1_agreement: 0.9}}",
            "validate.gates: top1_agreement of .* is not measured for the task tensors",
        ),
    ],
)
def test_a_bound_that_says_nothing_of_the_task_is_refused(override: str, message: str) -> None:
    """Percents where a share is measured, and what another task measures."""
    task = ("task=tensors",) if "tensors" in message else ()
    with pytest.raises(ConfigError, match=message):
        planned(override, *task)


def test_each_graph_is_scanned_once_and_float32_webgl_is_run_in_float16() -> None:
    plan = planned(config=OPTIMIZED)
    ranges = {a.id: a.ranges for a in plan.artifacts}
    for name in ("small", "fast"):
        made = {ranges.pop(f"{format}/{name}") for format in ("tfjs-graph", "onnx")}
        assert made == {f"ranges {name}"}
    assert set(ranges.values()) == {"ranges"}
    halves = {a.id: a.half for a in plan.artifacts}
    assert halves["onnx/fp32"] is None
    node = plan.nodes[halves["tfjs-graph/uint8"] or ""]
    assert node.inputs["float32"] == "prove tfjs-graph/uint8 tfjs-webgl@chromium"
    assert all(
        a.half is None for a in planned("validate.backends=[onnxruntime-cpu, tfjs-wasm]").artifacts
    )


def test_float16_cannot_be_asked_for_where_nothing_runs_it() -> None:
    with pytest.raises(ConfigError, match="half_precision of onnx/fp32 is not measured"):
        planned("validate.gates.default.half_precision=true")
    planned("validate.gates.tfjs-graph.half_precision=true")


def test_only_a_rasterizer_that_nobody_named_is_timed_beside_others() -> None:
    def alone(plan: Plan, target: str) -> bool:
        return plan.nodes[f"prove tfjs-graph/fp32 {target}"].function.alone

    every, named = planned("validate.backends=all"), planned("validate.backends=[all, tfjs-webgl]")
    assert alone(every, "tfjs-wasm@chromium")
    if not host_gpu():
        assert not alone(every, "tfjs-webgl@chromium")
    assert alone(named, "tfjs-webgl@chromium")
