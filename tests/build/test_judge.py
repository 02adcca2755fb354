"""What keeps a build from being published, and how the command then ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manifests import failed, manifest, unavailable

from pipeline.base.errors import PipelineError
from pipeline.build.judge import judge
from pipeline.build.result import Built
from pipeline.config.file import load_config
from pipeline.engine.store import Store

ROOT = Path(__file__).parents[2]

LOST = {"id": "onnx/int8", "step": "convert onnx", "reason": "no operator", "todo": "wait"}


def built(folder: Path, made: dict[str, Any]) -> Built:
    return Built(made, {}, {}, Store(folder), "", "", {})


def refused(folder: Path, made: dict[str, Any], **options: bool) -> PipelineError:
    with pytest.raises(PipelineError) as error:
        judge(built(folder, made), **options)
    return error.value


def test_what_passed_is_let_pass(tmp_path: Path) -> None:
    judge(built(tmp_path, manifest()))


def test_a_miss_ends_with_3_and_a_lacking_target_with_5(tmp_path: Path) -> None:
    error = refused(tmp_path, failed())
    assert error.exit_code == 3
    assert "tfjs-graph/uint8" in str(error)
    made = manifest()
    made["artifacts"][0]["validation"].append(unavailable("tfjs-cpu@webkit", "x", required=True))
    error = refused(tmp_path, made)
    assert error.exit_code == 5
    assert error.what == "tfjs-cpu@webkit: x"
    judge(built(tmp_path, made), complete=False)


def test_a_detector_is_judged_as_the_model_behind_it_is(tmp_path: Path) -> None:
    detector = {**failed(), "name": "finder"}
    made = manifest() | {"name": "mesh", "region": {"max": 1, "detector": detector}}
    error = refused(tmp_path, made)
    assert error.exit_code == 3
    assert str(error).startswith("the detector finder: ")
    made["region"]["detector"] = {**manifest(), "name": "finder"}
    judge(built(tmp_path, made))


def test_what_did_not_run_is_told_with_artifact_target_and_what_to_do(tmp_path: Path) -> None:
    made = manifest()
    lost = {"status": "fail", "reason": "the WebGL context was lost", "todo": "build again"}
    made["artifacts"][0]["validation"][0] |= lost
    named = f"tfjs-graph/fp32 on {made['artifacts'][0]['validation'][0]['target']}"
    error = refused(tmp_path, made)
    assert f"  {named}: the WebGL context was lost; build again" in error.what.splitlines()
    assert error.exit_code == 3


def test_what_could_not_be_made_ends_with_1_unless_it_is_allowed(tmp_path: Path) -> None:
    made = manifest() | {"not_made": [LOST]}
    error = refused(tmp_path, made)
    assert error.exit_code == 1
    assert "  onnx/int8: no operator" in error.what.splitlines()
    judge(built(tmp_path, made), whole=False)


def test_a_doubt_comes_before_all_bounds(tmp_path: Path) -> None:
    error = refused(tmp_path, failed() | {"doubt": "the source itself is right on 1 %"})
    assert error.exit_code == 3
    assert "bounds" not in error.what


def weighed(**more: Any) -> dict[str, Any]:
    """The one that fails says how its weights are stored."""
    made = failed()
    for artifact in made["artifacts"]:
        if artifact["id"] == "tfjs-graph/uint8":
            artifact["weights"] = {"codec": "uint8", "more_bytes": 0, "exact": [], **more}
    return made


@pytest.mark.parametrize(
    ("metric", "bound", "keep"),
    [
        ("relative_error", 0.6, "{relative_error: 0.3}"),
        ("max_abs_error", 1e-05, "{max_abs_error: 5.0e-06}"),
        ("top1_agreement", 0.98, "{top1_agreement: 0.99}"),
        ("snr_db", 20, "{snr_db: 26}"),
        ("accuracy_drop", 0.01, "{relative_error: 0.1}"),
    ],
)
def test_weights_that_cost_too_much_may_be_kept_by_a_config_that_loads(
    tmp_path: Path, metric: str, bound: float, keep: str
) -> None:
    made = weighed()
    for artifact in made["artifacts"]:
        for proof in artifact["validation"]:
            for miss in proof.get("missed", []):
                miss |= {"metric": metric, "value": bound * 1.5, "bound": bound}
    line = f"variants.uint8.quantize: {{to: uint8, keep: {keep}}}"
    assert f"in float32, in the config ({line})" in str(refused(tmp_path, made))
    path, _, value = line.partition(": ")
    config = load_config(ROOT / "configs/mobilenet.yaml", [f"{path}={value}"])
    ((_, options),) = config.variants["uint8"].techniques()
    assert options.keep.bounds()


def test_nothing_is_said_of_keep_where_it_bounds_already_or_nothing_could(tmp_path: Path) -> None:
    plain = "make the variant better, or leave it out"
    bounded = weighed(keep={"bounds": {}, "measured": {}, "samples": 1, "damages": {}})
    assert plain in str(refused(tmp_path, bounded))
    assert plain in str(refused(tmp_path, failed()))
