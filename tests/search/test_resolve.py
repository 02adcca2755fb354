"""A config with searches, before and after they are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.base.errors import ConfigError, GateError
from pipeline.config.change import exports_without
from pipeline.config.config import Config
from pipeline.config.file import load_config
from pipeline.plan import make_plan
from pipeline.search.first import check_measured
from pipeline.search.outcome import Outcome, Trial
from pipeline.search.resolve import jobs, settle
from pipeline.search.run import space_of
from pipeline.search.text import pinned_config
from pipeline.search.trial import Job, plan_trial

FORMATS = {"tfjs-graph": {}, "tfjs-layers": {"variants": ["fp32"]}, "onnx": {}}


GATES = {"default": {"top1_agreement": 0.9}, "small": {"cosine": 0.5}}


def config(
    folder: Path,
    search: dict[str, Any],
    fixed: dict[str, Any] | None = None,
    *,
    gates: dict[str, Any] = GATES,
    **more: Any,
) -> Config:
    raw = {
        "name": "digits",
        "task": "image-classification",
        "license": "Apache-2.0",
        "source": {"bundled": "mobilenet_digits"},
        "samples": {"bundled": "digits"},
        "input": {"image": {"size": [64, 64], "color": "rgb", "scale": [-1, 1]}},
        "variants": {"fp32": {}, "small": {**(fixed or {}), "search": search}},
        "export": FORMATS,
        "validate": {
            "backends": ["onnxruntime-cpu", "tfjs-wasm", "tfjs-webgl"],
            "gates": gates,
        },
        **more,
    }
    path = folder / "digits.yaml"
    path.write_text(yaml.safe_dump(raw))
    return load_config(path)


def outcome(job: Job, recipe: dict[str, Any], **trial: Any) -> Outcome:
    measured = Trial(recipe, 1.0, 1000, quality=1.0, metric="top1_accuracy", **trial)
    return Outcome(
        variant=job.variant,
        minimize=job.search.minimize,
        formats=list(job.formats),
        targets=list(job.targets),
        keep=job.search.keep,
        minutes=1,
        held_back=9,
        trials=[measured],
        stopped="",
        gates=job.gates,
        export=exports_without(job.config, job.variant, job.formats),
    )


def test_without_a_format_every_graph_format_must_hold_it(tmp_path: Path) -> None:
    (job,) = jobs(config(tmp_path, {"minimize": "wire_bytes"}))
    assert job.formats == ("onnx", "tfjs-graph")
    assert job.targets == ("onnxruntime-cpu", "tfjs-wasm@chromium"), "quick, and without a GPU"
    names = {one.name for one in space_of(job).techniques}
    assert "uint8" in names and "int8" not in names, "TF.js cannot hold it"


def test_one_format_may_hold_more(tmp_path: Path) -> None:
    (job,) = jobs(config(tmp_path, {"minimize": "wire_bytes", "format": "onnx"}))
    assert (job.formats, job.targets) == (("onnx",), ("onnxruntime-cpu",))
    assert "int8" in {one.name for one in space_of(job).techniques}


def test_where_it_is_measured_decides_the_formats(tmp_path: Path) -> None:
    (job,) = jobs(config(tmp_path, {"minimize": "latency", "on": "tfjs-wasm"}))
    assert (job.formats, job.targets) == (("tfjs-graph",), ("tfjs-wasm@chromium",))
    planned = plan_trial(job, {"quantize": "uint8"})
    proof = planned.plan.nodes[planned.proofs["tfjs-graph/small", "tfjs-wasm@chromium"]]
    assert proof.inputs["reference"] == "package tfjs-graph/fp32", "it is timed with float32"
    assert not any(name.startswith(("manifest", "compress")) for name in planned.plan.nodes)


def test_every_trial_sees_held_back_samples_only(tmp_path: Path) -> None:
    (job,) = jobs(config(tmp_path, {"minimize": "wire_bytes"}))
    nodes = plan_trial(job, {"prune": {}, "quantize": "uint8"}).plan.nodes
    reading = {node.id for node in nodes.values() if "all samples" in node.inputs.values()}
    assert reading == {"samples"}
    assert nodes["samples"].function.name == "pipeline.search.hold_back:hold_back"
    assert "samples" in nodes["prune small"].inputs.values()


def test_what_is_found_is_a_plain_variant_with_its_bounds(tmp_path: Path) -> None:
    keep = {"accuracy_drop": 0.01}
    asked = config(tmp_path, {"minimize": "bytes", "keep": keep, "format": "onnx"})
    plain, searches = settle(asked, lambda job: outcome(job, {"quantize": "int8"}))
    assert not searches.unknown and not plain.is_searched
    assert asked.is_searched, "what was asked for is still there to be searched again"
    plan = make_plan(plain, searches)
    ids = [artifact.id for artifact in plan.artifacts if artifact.variant == "small"]
    assert ids == ["onnx/small"], "nobody knows what it is worth in another format"
    bounds = next(a.bounds for a in plan.artifacts if a.id == "onnx/small")["onnxruntime-cpu"]
    assert bounds == {"top1_agreement": 0.9, "cosine": 0.5, "accuracy_drop": 0.01}
    assert "search small" in plan.evidence()
    assert plain.path == asked.path


def test_what_is_fixed_stays(tmp_path: Path) -> None:
    fixed = {"prune": {"sparsity": 0.7}}
    asked = config(tmp_path, {"minimize": "bytes"}, fixed)
    (job,) = jobs(asked)
    assert "prune" not in {one.name for one in space_of(job).techniques}
    seen = plan_trial(job, {**job.fixed, "quantize": "uint8"}).plan.nodes
    assert seen["prune small"].options.model_dump()["sparsity"] == 0.7
    plain, searches = settle(asked, lambda job: None)
    assert "a search of at most 10 minutes" in searches.unknown["small"]
    assert [technique.key for technique, _ in plain.variants["small"].techniques()] == ["prune"]


def test_nothing_that_keeps_the_bounds_is_an_error(tmp_path: Path) -> None:
    miss = {"artifact": "onnx/small", "backend": "onnxruntime-cpu"}
    missed = [{**miss, "metric": "wire_bytes", "value": 1000, "bound": 10}]
    with pytest.raises(GateError, match="of 1 candidate none keeps the bounds") as raised:
        settle(
            config(tmp_path, {"minimize": "bytes"}),
            lambda job: outcome(job, {"quantize": "uint8"}, missed=missed),
        )
    assert "{quantize: uint8}: 1.0 KB, 100.00% accuracy" in str(raised.value)
    assert "wire_bytes 1000, must be <= 10" in str(raised.value)
    assert raised.value.exit_code == 3


def test_a_format_that_the_place_cannot_run_is_refused(tmp_path: Path) -> None:
    search = {"minimize": "latency", "on": "ort-wasm", "format": ["onnx", "tfjs-graph"]}
    with pytest.raises(ConfigError, match="ort-wasm does not run onnx, tfjs-graph"):
        jobs(config(tmp_path, search))


def test_on_is_a_key_and_no_truth_value(tmp_path: Path) -> None:
    config(tmp_path, {"minimize": "bytes"})
    path = tmp_path / "digits.yaml"
    text, indent = path.read_text(), " " * 6
    asked = f"minimize: latency\n{indent}on: tfjs-wasm@chromium"
    path.write_text(text.replace("minimize: bytes", asked))
    (job,) = jobs(load_config(path))
    assert job.targets == ("tfjs-wasm@chromium",)


def test_techniques_that_no_format_holds_are_refused(tmp_path: Path) -> None:
    asked = config(tmp_path, {"minimize": "bytes", "techniques": ["int8"]})
    with pytest.raises(ConfigError, match="no technique is left to try in onnx, tfjs-graph"):
        jobs(asked)


def bounds_of(plain: Config, artifact: str) -> dict[str, dict[str, float]]:
    return dict(next(a.bounds for a in make_plan(plain).artifacts if a.id == artifact))


@pytest.mark.parametrize(
    ("gates", "kept"),
    [
        ({"default": {"accuracy_drop": 0.3}}, 0.01),
        ({"onnxruntime-cpu": {"accuracy_drop": 0.3}}, 0.01),
        ({"small onnxruntime-cpu": {"accuracy_drop": 0.3}}, 0.01),
        ({"onnx/small": {"accuracy_drop": 0.3}}, 0.01),
        ({"small": {"accuracy_drop": 0.002}}, 0.002),
        ({"default": {"accuracy_drop": 0.002}}, 0.002),
        ({"onnx": {"accuracy_drop": 0.002}}, 0.002),
        ({"onnx/small": {"accuracy_drop": 0.002}}, 0.002),
    ],
)
def test_of_a_gate_and_keep_the_tighter_holds(
    tmp_path: Path, gates: dict[str, Any], kept: float
) -> None:
    search = {"minimize": "bytes", "keep": {"accuracy_drop": 0.01}, "format": "onnx"}
    asked = config(tmp_path, search, gates=gates)
    (job,) = jobs(asked)
    (package,) = plan_trial(job, {"quantize": "uint8"}).packages
    assert package.bounds["onnxruntime-cpu"]["accuracy_drop"] == kept, "while it is searched"
    plain, _ = settle(asked, lambda job: outcome(job, {"quantize": "uint8"}))
    assert bounds_of(plain, "onnx/small")["onnxruntime-cpu"]["accuracy_drop"] == kept
    assert "small" not in bounds_of(plain, "onnx/fp32"), "others keep what they kept"
    before = next(iter(gates.values()))["accuracy_drop"]
    others = bounds_of(plain, "onnx/fp32")["onnxruntime-cpu"]
    assert others.get("accuracy_drop", before) == before


def test_a_floor_is_tighter_where_it_is_higher(tmp_path: Path) -> None:
    search = {"minimize": "bytes", "keep": {"cosine": 0.9}, "format": "onnx"}
    (job,) = jobs(config(tmp_path, search, gates={"onnx": {"cosine": 0.99}}))
    (package,) = plan_trial(job, {"quantize": "uint8"}).packages
    assert package.bounds["onnxruntime-cpu"]["cosine"] == 0.99


def test_the_pinned_config_plans_the_same_release(tmp_path: Path) -> None:
    search = {"minimize": "bytes", "keep": {"cosine": 0.9}, "format": "onnx"}
    gates = {"onnxruntime-cpu": {"cosine": 0.2}}
    asked = config(tmp_path, search, gates=gates)
    plain, _ = settle(asked, lambda job: outcome(job, {"quantize": "int8"}))
    (job,) = jobs(asked)
    pin = yaml.safe_load(pinned_config(outcome(job, {"quantize": "int8"})))
    raw = yaml.safe_load((tmp_path / "digits.yaml").read_text())
    raw["variants"] |= pin["variants"]
    raw["export"] |= pin["export"]
    raw["validate"]["gates"] |= pin["validate"]["gates"]
    (tmp_path / "pinned.yaml").write_text(yaml.safe_dump(raw))
    planned = [make_plan(one) for one in (plain, load_config(tmp_path / "pinned.yaml"))]
    first, again = ([(a.id, a.bounds) for a in one.artifacts] for one in planned)
    assert first == again


def test_before_a_search_the_plan_names_what_it_can_give(tmp_path: Path) -> None:
    asked = config(tmp_path, {"minimize": "bytes", "format": "onnx"})
    plain, searches = settle(asked, lambda job: None)
    assert list(searches.unknown) == ["small"]
    ids = [a.id for a in make_plan(plain).artifacts if a.variant == "small"]
    assert ids == ["onnx/small"]


def test_one_search_brings_no_other_back(tmp_path: Path) -> None:
    """Where two searches empty a format, it holds nothing, and not everything."""
    search = {"minimize": "bytes", "format": "onnx"}
    variants = {"fp32": {}, "small": {"search": search}, "tiny": {"search": search}}
    export = {"tfjs-graph": {"variants": ["small", "tiny"]}, "onnx": {}}
    asked = config(tmp_path, search, variants=variants, export=export)
    plain, _ = settle(asked, lambda job: outcome(job, {"quantize": "int8"}))
    ids = sorted(artifact.id for artifact in make_plan(plain).artifacts)
    assert ids == ["onnx/fp32", "onnx/small", "onnx/tiny"]


def test_a_name_that_looks_like_a_number_is_pinned_as_a_name(tmp_path: Path) -> None:
    variants = {"fp32": {}, "8": {"search": {"minimize": "bytes", "format": "onnx"}}}
    (job,) = jobs(config(tmp_path, {}, variants=variants, gates={}))
    assert list(yaml.safe_load(pinned_config(outcome(job, {})))["variants"]) == ["8"]


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"keep": {"half_precision": True}}, "half_precision is not measured in onnx, tfjs-graph"),
        ({"keep": {"half_precision": True}, "format": "onnx"}, "is not measured in onnx"),
    ],
)
def test_what_nothing_measures_is_refused(
    tmp_path: Path, search: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        jobs(config(tmp_path, {"minimize": "bytes", **search}))
    (job,) = jobs(config(tmp_path, {"minimize": "bytes", **search, "format": "tfjs-graph"}))
    assert job.gates == {"small": {"half_precision": True}}


def test_a_variant_that_is_exported_nowhere_is_refused(tmp_path: Path) -> None:
    nowhere = {"onnx": {"variants": ["fp32"]}}
    with pytest.raises(ConfigError, match="small is exported to no format"):
        jobs(config(tmp_path, {"minimize": "bytes"}, export=nowhere))


def test_a_bound_that_float32_shows_to_be_unmeasured_ends_the_search(tmp_path: Path) -> None:
    (job,) = jobs(config(tmp_path, {"minimize": "bytes"}))
    miss = {"artifact": "onnx/small", "backend": "onnxruntime-cpu", "bound": 0.01}
    missed = [{**miss, "metric": "accuracy_drop", "value": None}]
    with pytest.raises(ConfigError, match="accuracy_drop cannot be measured in onnx, tfjs-graph"):
        check_measured(job, Trial({}, 1.0, 1000, missed=missed))
    missed = [{**miss, "metric": "accuracy_drop", "value": 0.5}]
    check_measured(job, Trial({}, 1.0, 1000, missed=missed))
