"""The configs of models that others have made: each is known, and those of packages build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import pipeline
from nightly import nightly

from pipeline.config.file import load_config

CONFIGS = Path(__file__).parents[1] / "configs"

#: A small package; the others are of 36 and 144 MB.
SMALL = ("face-detection",)
LARGE = (
    *("blazepose", "centernet", "facemesh", "hand-landmarks"),
    *("movenet", "pose-detection", "posenet"),
)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_it_is_read_and_says_what_it_is(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    assert config.license
    assert config.description


@pytest.mark.parametrize("name", [*SMALL, *map(nightly, LARGE)])
def test_a_model_that_a_package_ships_is_built_proved_and_published(
    name: str, tmp_path: Path
) -> None:
    chosen = (
        *("validate.backends=[onnxruntime-cpu,tfjs-wasm]", "publish.to=cdn"),
        "publish.compress=quick",
    )
    words = ("build", CONFIGS / f"{name}.yaml", "--store", "store")
    pipeline(*words, *(f"--set={one}" for one in chosen), cwd=tmp_path)
    (manifest,) = tmp_path.glob(f"cdn/{name}/releases/*/manifest.json")
    release = json.loads(manifest.read_text())
    assert release["source"]["kind"] in ("npm_package", "python_package")
    # What is right of it says the runtime that it was made for.
    assert release["source"]["reference"].startswith(("TF.js", "TFLite"))
    proofs = [proof for artifact in release["artifacts"] for proof in artifact["validation"]]
    assert {proof["status"] for proof in proofs} == {"pass"}
    assert len(proofs) == len(release["artifacts"]) >= 4
    exact = [a["validation"][0]["parity"] for a in release["artifacts"] if a["variant"] == "fp32"]
    assert all(parity["relative_error"] < 1e-4 for parity in exact)
