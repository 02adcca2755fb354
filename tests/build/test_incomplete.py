"""A conversion that fails ends that format only: a real model with a layer that TF.js lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from commands import pipeline

from pipeline.base.errors import ConfigError
from pipeline.config.file import load_config
from pipeline.plan import make_plan

ROOT = Path(__file__).parents[2]

CONFIG = """\
name: NAME
license: MIT
source: {keras_file: model.keras}
variants: {fp32: {}, uint8: {quantize: uint8}}
export: {onnx: {}, tfjs-layers: {}}
validate: {backends: [onnxruntime-cpu, tfjs-wasm]}
"""
#: TF.js lacks this one; only the conversion finds out.
EXPONENTIAL = "layer 'odd' (activation exponential) cannot be a TF.js layer: TF.js has no such"
LEAVE_OUT = "leave tfjs-layers out of export (tfjs-graph holds the model), or replace that layer"


def model(file: Path, activation: str, *more: Any) -> None:
    import keras

    layers = keras.layers
    odd = layers.Dense(3, activation=activation, name="odd")
    keras.Sequential([keras.Input((4,), name="x"), layers.Dense(4), *more, odd]).save(file)


def config(folder: Path, name: str = "odd", text: str = CONFIG) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text.replace("NAME", name))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two configs of a model that cannot be a layers model: one asks for that, the other not."""
    folder = tmp_path_factory.mktemp("incomplete")
    model(folder / "model.keras", "exponential")
    config(folder)
    config(folder, "even", CONFIG.replace(", tfjs-layers: {}", ""))
    return folder


@pytest.fixture(scope="module")
def built(folder: Path) -> Result:
    return pipeline("build", "odd.yaml", "even.yaml", "--no-browsers", cwd=folder, check=1)


def test_one_format_fails_and_the_others_are_proved_and_not_published(
    folder: Path, built: Result
) -> None:
    said = built.stderr[built.stderr.index("error:") :].splitlines()
    assert said == [
        "error: odd.yaml: these artifacts could not be made",
        f"  tfjs-layers/fp32, tfjs-layers/uint8: tfjs-layers: {EXPONENTIAL} activation",
        f"    {LEAVE_OUT}",
        "  nothing was published; `pipeline build --allow-incomplete` publishes the others",
    ]
    assert "Not complete: 2 of 4 artifacts could not be made." in built.stdout
    assert not (folder / "artifacts/cdn/odd").exists()
    report = json.loads(pipeline("report", "odd.yaml", "--json", cwd=folder).stdout)
    assert {one["id"]: one["status"] for one in report["artifacts"]} == {
        "onnx/fp32": "pass",
        "onnx/uint8": "pass",
    }
    assert not report["verdict"]["ok"]
    assert any(EXPONENTIAL in failure for failure in report["verdict"]["failures"])


def test_one_config_fails_and_the_next_has_its_turn(folder: Path, built: Result) -> None:
    assert "published artifacts/cdn/even/latest.json" in built.stdout
    assert (folder / "artifacts/cdn/even/latest.json").exists()


def test_what_works_is_published_where_that_is_asked_for(folder: Path, built: Result) -> None:
    import jsonschema

    words = ("build", "odd.yaml", "--no-browsers", "--allow-incomplete")
    done = pipeline(*words, cwd=folder)
    # What failed is tried again, and nothing else.
    ran = [line for line in done.stderr.splitlines() if not line.startswith("·")]
    assert [line.split("  ")[0] for line in ran if not line.startswith("publish")] == [
        "✗ convert tfjs-layers"
    ]
    pointer = json.loads((folder / "artifacts/cdn/odd/latest.json").read_text())
    manifest = json.loads((folder / "artifacts/cdn/odd" / pointer["manifest"]).read_text())
    assert [one["id"] for one in manifest["artifacts"]] == ["onnx/fp32", "onnx/uint8"]
    assert [(one["id"], one["step"]) for one in manifest["not_made"]] == [
        ("tfjs-layers/fp32", "convert tfjs-layers"),
        ("tfjs-layers/uint8", "convert tfjs-layers"),
    ]
    schema = json.loads((ROOT / "pipeline/manifest/manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema)


def test_the_plan_says_before_what_the_file_tells(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    model(tmp_path / "model.keras", "relu", layers.Reshape((2, 2)), layers.GRU(3, name="gates"))
    plan = make_plan(load_config(config(tmp_path)))
    assert [artifact.id for artifact in plan.artifacts] == ["onnx/fp32", "onnx/uint8"]
    assert "convert tfjs-layers" not in plan.nodes
    done = pipeline("plan", "odd.yaml", "--no-model", cwd=tmp_path)
    assert (
        "cannot be made tfjs-layers/fp32, tfjs-layers/uint8: tfjs-layers: layer 'gates' "
        "(GRU) cannot be a TF.js layer: it has reset_after=True, and TF.js has the GRU with "
        f"reset_after=False only\n    {LEAVE_OUT}\n"
    ) in done.stdout
    only = config(tmp_path, "only", CONFIG.replace("onnx: {}, ", ""))
    with pytest.raises(ConfigError, match=r"layer 'gates'.*\n  add another format"):
        make_plan(load_config(only))
