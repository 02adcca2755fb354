"""The main job, as a user runs it: real TensorFlow, real Chromium, real files."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from broken_artifacts import error, errors_of_broken
from click.testing import Result
from commands import pipeline
from filelock import FileLock
from nightly import nightly
from readme import code
from safetensors.numpy import load_file
from shared_store import SharedStore

from pipeline.build.make import read_build
from pipeline.config.file import load_config
from pipeline.engine.store import Store
from pipeline.plan import make_plan
from pipeline.validate.canary import distance
from pipeline.validate.cascade import halves

ROOT = Path(__file__).parents[2]
#: The default config. On a pull request each format is proved where that is quick: a rasterizer
#: takes minutes for it, and ONNX Runtime's page seconds for each artifact. The release of
#: ../client/test_model.py is proved there too, and test_everywhere.py has every backend.
MOBILENET = "configs/mobilenet.yaml"
PIPELINE = Path(sys.executable).with_name("pipeline")

ARTIFACTS = {
    "tfjs-graph/fp32",
    "tfjs-graph/fp16",
    "tfjs-graph/uint8",
    "tfjs-layers/fp32",
    "onnx/fp32",
    "onnx/fp16",
    "onnx/int8",
}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, shared_store: SharedStore) -> Path:
    """Where a user's `artifacts` lie, whose store has what other tests built."""
    return make_place(tmp_path_factory.mktemp("built"), shared_store.store("build"))


def make_place(place: Path, store: Path) -> Path:
    (place / "artifacts").mkdir()
    (place / "artifacts/store").symlink_to(store)
    (place / "configs").mkdir()
    whole = (ROOT / MOBILENET).read_text()
    fewer = whole.replace("ort-wasm, tfjs-wasm, tfjs-webgl]", "tfjs-wasm]")
    (place / MOBILENET).write_text(fewer)
    return place


def build(place: Path, *more: object, config: Path | None = None, check: int = 0) -> Result:
    """A build in this process."""
    return pipeline(*words(place, config or place / MOBILENET), *more, check=check)


def build_alone(place: Path, *more: str, check: int = 0, **environment: str) -> Any:
    """A build that is a process of its own, with processes of its own, as a user's is."""
    command = [*map(str, [PIPELINE, *words(place, place / MOBILENET)]), *more]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == check, done.stdout + done.stderr
    return done


def words(place: Path, config: Path) -> list[object]:
    to = f"publish.to={place / 'artifacts/cdn'}"
    return ["build", config, "--store", place / "artifacts/store", "--set", to]


@pytest.fixture(scope="session")
def published(place: Path, building: FileLock) -> Path:
    """The CDN folder of the bundled model, built once for these tests."""
    with building:
        build_alone(place)
    return place / "artifacts/cdn" / "mobilenet"


@pytest.fixture(scope="session")
def manifest(published: Path) -> dict[str, Any]:
    pointer = json.loads((published / "latest.json").read_text())
    raw = (published / pointer["manifest"]).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == pointer["sha256"]
    read: dict[str, Any] = json.loads(raw)
    return read


def artifact(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in manifest["artifacts"] if a["id"] == name)
    return found


def test_every_artifact_is_published_and_proved(manifest: dict[str, Any]) -> None:
    check_every_artifact(manifest, {"tfjs-wasm@chromium"}, {"onnxruntime-cpu"})


@pytest.mark.nightly
def test_the_default_config_as_it_is(
    tmp_path: Path, published: Path, shared_store: SharedStore
) -> None:
    place = make_place(tmp_path, shared_store.store("build"))
    done = build(place, "--json", config=ROOT / MOBILENET)
    manifest = json.loads(done.stdout)["manifest"]
    tfjs, onnx = {"tfjs-wasm@chromium", "tfjs-webgl@chromium"}, {"onnxruntime-cpu"}
    check_every_artifact(manifest, tfjs, {*onnx, "ort-wasm@chromium"})


def check_every_artifact(
    manifest: dict[str, Any], tfjs_targets: set[str], onnx_targets: set[str]
) -> None:
    assert {a["id"] for a in manifest["artifacts"]} == ARTIFACTS
    for described in manifest["artifacts"]:
        backends = {r["target"]: r for r in described["validation"]}
        tfjs = described["format"].startswith("tfjs")
        assert set(backends) == (tfjs_targets if tfjs else onnx_targets)
        for result in backends.values():
            assert result["status"] == "pass"
            assert result["parity"]["nonfinite"] == 0
            assert result["latency"]["median_ms"] > 0
            assert result["accuracy"]["samples"] == 360
        if described["variant"] == "fp32":
            assert max(r["parity"]["max_abs_error"] for r in backends.values()) < 1e-4
        assert described["accuracy"]["baseline"] - described["accuracy"]["value"] <= 0.01
        low, high = described["accuracy"]["low"], described["accuracy"]["high"]
        assert low < described["accuracy"]["value"] < high and high - low < 0.03
        # Of what nothing here runs in float16 nobody knows.
        half = tfjs and "tfjs-webgl@chromium" in tfjs_targets
        assert described["half_precision"]["safe"] is (True if half else None)
        known = described["portability"]
        assert known["portable"] is True
        assert (known["products"] > 0) == (described["variant"] == "int8")
        assert (known["worst_sum"] or 0) <= 32767


def test_the_manifest_keeps_its_schema(manifest: dict[str, Any]) -> None:
    import jsonschema

    schema = json.loads((ROOT / "pipeline/manifest/manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(manifest, schema)


def test_the_report_is_published_with_the_release(
    place: Path, published: Path, manifest: dict[str, Any]
) -> None:
    folder = (published / manifest["report"]).parent
    page = (folder / "report.html").read_text()
    assert "Ready to ship. All 7 artifacts passed" in page
    assert page.count('src="data:image/webp') >= 8, "the worst samples are images"
    assert (folder / "report.md").read_text().startswith(f"## mobilenet `{manifest['release']}`")
    told = json.loads((folder / "report.json").read_text())
    assert {one["id"]: one["status"] for one in told["artifacts"]} == dict.fromkeys(
        ARTIFACTS, "pass"
    )
    shown = pipeline("report", "latest", "--cdn", published.parent, "--json")
    assert json.loads(shown.stdout) == told
    same = pipeline("report", "latest", "latest", "--cdn", published.parent, "--fail-on-regression")
    assert "Nothing got worse." in same.stdout


def test_the_manifest_says_what_the_model_is(manifest: dict[str, Any]) -> None:
    assert manifest["source"]["kind"] == "bundled"
    assert manifest["source"]["parameters"] == 221_114
    assert manifest["accuracy"]["value"] >= 0.98
    assert "handwritten digits" in manifest["samples"]["description"].lower()
    assert manifest["samples"]["license"] == "CC-BY-4.0"
    assert [i["name"] for i in manifest["inputs"]] == ["image"]
    assert [o["name"] for o in manifest["outputs"]] == ["probabilities"]
    asked = {"size": [64, 64], "color": "rgb", "scale": [-1, 1]}
    assert manifest["input"]["image"].items() >= asked.items()
    assert {"tensorflow", "tensorflowjs", "onnx", "@tensorflow/tfjs"} <= set(manifest["tools"])


def test_every_file_is_named_by_its_digest(published: Path, manifest: dict[str, Any]) -> None:
    listed = {file["path"] for a in manifest["artifacts"] for file in a["files"]}
    lie_there = {f"files/{path.name}" for path in (published / "files").iterdir()}
    there = {path for path in lie_there if not path.endswith((".br", ".gz"))}
    assert listed == there
    for name in there:
        path = published / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


def test_quantized_variants_are_smaller(manifest: dict[str, Any]) -> None:
    size = {a["id"]: a["bytes"] for a in manifest["artifacts"]}
    assert size["tfjs-graph/fp16"] < 0.6 * size["tfjs-graph/fp32"]
    assert size["tfjs-graph/uint8"] < 0.35 * size["tfjs-graph/fp32"]
    assert size["onnx/fp16"] < 0.6 * size["onnx/fp32"]
    assert size["onnx/int8"] < 0.4 * size["onnx/fp32"]


def test_bytes_on_the_wire_are_known(manifest: dict[str, Any]) -> None:
    for one in manifest["artifacts"]:
        for key in ("br_bytes", "gz_bytes"):
            # A file without a compressed twin is sent as it is.
            assert one[key] == sum(file[key] or file["bytes"] for file in one["files"])
        assert one["br_bytes"] < one["gz_bytes"] < one["bytes"]


def test_compressed_twins_lie_beside_the_files(published: Path, manifest: dict[str, Any]) -> None:
    listed = {file["path"]: file for a in manifest["artifacts"] for file in a["files"]}
    for path, file in listed.items():
        for suffix, key in ((".br", "br_bytes"), (".gz", "gz_bytes")):
            twin = published / (path + suffix)
            assert (twin.stat().st_size if twin.exists() else None) == file[key]


def test_speed_is_against_float32(manifest: dict[str, Any]) -> None:
    for one in manifest["artifacts"]:
        for result in one["validation"]:
            ratio = result["latency"]["ratio"]
            assert (ratio is None) == (one["variant"] == "fp32")
            assert ratio is None or ratio["low"] <= ratio["value"] <= ratio["high"]
            assert ratio is None or ratio["reference"] == f"{one['format']}/fp32"
            assert result["latency"]["p90_ms"] <= result["latency"]["p99_ms"]


def test_what_is_dominated_is_left_out_if_the_config_says(
    place: Path, manifest: dict[str, Any], tmp_path: Path
) -> None:
    to = ("--set", f"publish.to={tmp_path}")
    done = build(place, *to, "--set", "publish.drop_dominated=true", "--json")
    made = json.loads(done.stdout)["manifest"]
    dropped = {one["id"] for one in made["dropped"]}
    assert dropped == {a["id"] for a in manifest["artifacts"] if a["dominated_by"]}
    assert {a["id"] for a in made["artifacts"]} == ARTIFACTS - dropped
    # uint8 is as accurate as float16 and half the size, and no slower.
    assert "tfjs-graph/fp16" in dropped


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
def test_native_onnxruntime_loads_straight_from_the_folder(
    published: Path, manifest: dict[str, Any], variant: str
) -> None:
    import onnxruntime

    described = artifact(manifest, f"onnx/{variant}")
    assert len(described["files"]) > 1, "weights lie in files beside the model"
    session = onnxruntime.InferenceSession(str(published / described["entry"]))
    assert [i.name for i in session.get_inputs()] == ["image"]
    assert [o.name for o in session.get_outputs()] == ["probabilities"]
    (scores,) = session.run(None, {"image": np.zeros((2, 64, 64, 3), np.float32)})
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-3)


def test_the_same_again_does_nothing_and_imports_no_tensorflow(
    place: Path, published: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in published.rglob("*")}
    again = build_alone(place)
    assert "already published, unchanged" in again.stdout
    assert all("from the store" in line for line in again.stderr.splitlines())
    assert {p: p.stat().st_mtime_ns for p in published.rglob("*")} == before
    before = tensorflow_log(place)
    build_alone(place, "--json")
    assert tensorflow_log(place) == before


def tensorflow_log(place: Path) -> bytes | None:
    """What TensorFlow's process wrote as it began, if any did."""
    log = place / "artifacts/store/logs/tensorflow.log"
    return log.read_bytes() if log.exists() else None


def test_a_weight_variant_is_added_without_tensorflow(place: Path, published: Path) -> None:
    before = tensorflow_log(place)
    added = build_alone(place, "--set", "variants.uint16.quantize=uint16", "--no-browsers")
    assert "tfjs-graph/uint16" in added.stdout
    assert tensorflow_log(place) == before


#: Steps that are finished when a build is killed, once or again and again.
@pytest.mark.parametrize("moments", [[4], nightly([0, 1, 4])], ids=len)
def test_a_build_killed_at_any_moment_is_resumed_and_gives_the_same_bytes(
    tmp_path: Path, manifest: dict[str, Any], published: Path, moments: list[int]
) -> None:
    place = make_place(tmp_path, tmp_path / "fresh")
    store = place / "artifacts/store"
    # Of each conversion one artifact; the others are made of the same two.
    formats = "{tfjs-graph: {shard_bytes: 4MiB}, onnx: {opset: 17, shard_bytes: 4MiB}}"
    sets = ("--set", "variants={fp32: {}}", "--set", f"export={formats}", "--no-browsers")
    command = [PIPELINE, *words(place, place / MOBILENET), *sets]
    for finished in moments:
        killed = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while len(list(store.glob("steps/*.json"))) < finished and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    made, whole = json.loads(build(place, *sets, "--json").stdout)["manifest"], _contents(manifest)
    assert _contents(made) == {name: whole[name] for name in ("tfjs-graph/fp32", "onnx/fp32")}
    assert not list(store.glob("work/*"))
    assert not (place / "artifacts/cdn").exists(), "what was not proved is not published"


def _contents(manifest: dict[str, Any]) -> dict[str, list[tuple[str, str, int]]]:
    """What each file holds; how it compresses is known only where it may be published."""
    return {
        artifact["id"]: [
            (file["path"], file["sha256"], file["bytes"]) for file in artifact["files"]
        ]
        for artifact in manifest["artifacts"]
    }


def test_a_failed_gate_publishes_nothing(place: Path, published: Path) -> None:
    before = (published / "latest.json").read_text()
    failed = build(place, "--set", "validate.gates.uint8.max_abs_error=1e-9", check=3)
    assert "tfjs-graph/uint8 on tfjs-wasm@chromium: max_abs_error" in failed.stderr
    assert "must be <= 1e-09" in failed.stderr
    assert "✗ tfjs-graph/uint8 on tfjs-wasm" in failed.stdout
    assert "Do not ship: 1 of 7 artifacts failed." in failed.stdout
    told = pipeline(
        "report", place / MOBILENET, "--store", place / "artifacts/store", "--markdown"
    ).stdout
    assert "Do not ship" in told and "✗ tfjs-graph/uint8 on tfjs-wasm in Chromium" in told
    assert (published / "latest.json").read_text() == before


def test_a_missing_browser_is_unavailable_not_passed(place: Path, published: Path) -> None:
    before = (published / "latest.json").read_text()
    done = build_alone(place, check=5, PIPELINE_BROWSER="/nowhere/chromium")
    assert "/nowhere/chromium" in done.stderr and "nothing was published" in done.stderr
    assert "unavailable" in done.stdout
    assert (published / "latest.json").read_text() == before


def test_publish_takes_from_the_store_only(place: Path, published: Path, tmp_path: Path) -> None:
    to = f"publish.to={tmp_path / 'cdn'}"
    pipeline("publish", place / MOBILENET, "--store", place / "artifacts/store", "--set", to)
    assert (tmp_path / "cdn" / "mobilenet" / "latest.json").exists()
    empty = ("--store", tmp_path / "empty")
    refused = pipeline("publish", place / MOBILENET, *empty, "--set", to, check=2)
    assert "run `pipeline build`" in refused.stderr
    listed = pipeline("list", tmp_path / "cdn")
    assert "mobilenet" in listed.stdout and "latest" in listed.stdout


def save_detector(folder: Path) -> None:
    import tensorflow as tf

    class Detector(tf.Module):
        def __init__(self) -> None:
            g = tf.random.Generator.from_seed(7)
            self.w = tf.Variable(g.normal([3, 3, 3, 8]) * 0.3)
            self.boxes = tf.Variable(g.normal([8, 4]))
            self.classes = tf.Variable(g.normal([8, 5]))

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 32, 32, 3], tf.float32, "picture"),
                tf.TensorSpec([None, 1], tf.float32, "threshold"),
            ]
        )
        def detect(self, picture: Any, threshold: Any) -> dict[str, Any]:
            x = tf.nn.relu(tf.nn.conv2d(picture, self.w, 2, "SAME"))
            x = tf.reduce_mean(x, [1, 2])
            scores = tf.nn.softmax(x @ self.classes)
            boxes = tf.sigmoid(x @ self.boxes)
            return {"scores": scores, "boxes": boxes, "certain": scores - threshold}

    model = Detector()
    tf.saved_model.save(model, folder, signatures={"detect": model.detect})


#: As README has them; on a pull request without a rasterizer, on which test_chromium_session.py
#: has three outputs.
TEN_LINES = [["validate.backends=[onnxruntime-cpu, tfjs-wasm]"], nightly([])]


@pytest.mark.parametrize("sets", TEN_LINES, ids=len)
def test_a_saved_model_with_three_outputs_builds_from_ten_lines(
    tmp_path: Path, shared_store: SharedStore, published: Path, sets: list[str]
) -> None:
    # With the runtimes that the default build has compressed.
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/store").symlink_to(shared_store.store("detector"))
    save_detector(tmp_path / "model")
    config = tmp_path / "detector.yaml"
    config.write_text(code("yaml")[1])
    build(tmp_path, *(word for one in sets for word in ("--set", one)), config=config)
    folder = tmp_path / "artifacts/cdn" / "detector"
    pointer = json.loads((folder / "latest.json").read_text())
    manifest = json.loads((folder / pointer["manifest"]).read_text())
    assert {o["name"] for o in manifest["outputs"]} == {"scores", "boxes", "certain"}
    assert {i["name"]: i["shape"] for i in manifest["inputs"]} == {
        "picture": [None, 32, 32, 3],
        "threshold": [None, 1],
    }
    for described in manifest["artifacts"]:
        for result in described["validation"]:
            assert result["status"] == "pass"
            assert set(result["parity"]["outputs"]) == {"scores", "boxes", "certain"}
    _check_what_ran(artifact(manifest, "tfjs-graph/fp32"), webgl=not sets)
    softmax = artifact(manifest, "onnx/fp32")["validation"][0]["parity"]["outputs"]["scores"]
    assert softmax["logits_max_abs_error"] < 1e-4


def _check_what_ran(described: dict[str, Any], *, webgl: bool) -> None:
    results = {r["backend"]: r for r in described["validation"]}
    assert results["tfjs-wasm"]["hardware"]["kind"] == "cpu"
    if not webgl:
        return
    assert results["tfjs-webgl"]["engine"] == "chromium"
    drawn = results["tfjs-webgl"]["hardware"]
    software = "swiftshader" in drawn["name"].lower() or "llvmpipe" in drawn["name"].lower()
    assert drawn["kind"] == ("software" if software else "gpu")
    assert described["half_precision"]["safe"] is True
    assert described["half_precision"]["target"] == "tfjs-webgl-f16@chromium"


def test_the_golden_of_the_store_is_portable(place: Path, published: Path) -> None:
    built = read_build(make_plan(load_config(place / MOBILENET)), Store(place / "artifacts/store"))
    golden = built.find_evidence("golden")
    assert golden
    inputs = load_file(golden / "inputs.safetensors")["image"]
    outputs = load_file(golden / "outputs.safetensors")["probabilities"]
    assert inputs.shape == (360, 64, 64, 3) and inputs.dtype == np.float32
    assert outputs.shape == (360, 10)
    assert json.loads((golden / "golden.json").read_text())["outputs"]["probabilities"]["softmax"]


def test_the_readmes_python_runs(place: Path, published: Path) -> None:
    script = place / "script.py"
    script.write_text(code("python")[0])
    shown = subprocess.run(
        [sys.executable, script], cwd=place, capture_output=True, text=True, check=True
    )
    pointer = json.loads((published / "latest.json").read_text())
    assert shown.stdout.startswith(pointer["release"])
    assert "tfjs-layers/fp32" in shown.stdout


@pytest.mark.parametrize("name", ["onnx/fp32", "onnx/fp16", "onnx/int8"])
def test_a_broken_artifact_misses_its_canary(
    manifest: dict[str, Any], published: Path, tmp_path: Path, name: str
) -> None:
    described = artifact(manifest, name)
    tolerance = described["canary"]["tolerance"]
    assert error(published, manifest, described) <= tolerance / 10
    found = dict(errors_of_broken(published, manifest, described, tmp_path))
    assert len(found) >= 12
    assert not {how: off for how, off in found.items() if off <= tolerance}


def test_swapped_classes_miss_every_canary(manifest: dict[str, Any]) -> None:
    for described in manifest["artifacts"]:
        values = described["canary"]["outputs"]["probabilities"]["values"]
        swapped = [*values]
        second, first = sorted(range(len(values)), key=values.__getitem__)[-2:]
        swapped[first], swapped[second] = values[second], values[first]
        for wrong in (swapped, values[1:] + values[:1], [0.1] * 10, [0.0] * 10):
            off = distance({"probabilities": wrong}, {"probabilities": values})
            assert off > 2 * described["canary"]["tolerance"], described["id"]


def test_the_canary_is_small(manifest: dict[str, Any]) -> None:
    import brotli

    without: dict[str, Any] = {**manifest, "canary": None}
    without["artifacts"] = [{**one, "canary": None} for one in manifest["artifacts"]]
    whole, rest = (
        len(brotli.compress(json.dumps(one, indent=1).encode())) for one in (manifest, without)
    )
    assert 0 < whole - rest < 3000


#: Nightly judged on another backend than the one that it was calibrated on.
JUDGES = [
    ("onnxruntime-cpu", "onnxruntime-cpu"),
    nightly("onnxruntime-cpu, ort-wasm", "ort-wasm@chromium"),
]


@pytest.mark.parametrize(("backends", "judge"), JUDGES)
def test_the_cascade_gives_what_is_expected_of_it(
    place: Path, tmp_path: Path, backends: str, judge: str
) -> None:
    # So coarse that it is wrong more often than plain uint8, and a third of its size.
    coarse = "coarse: {quantize: {to: uint8, levels: 7}}"
    sets = [f"variants={{fp32: {{}}, uint8: {{quantize: uint8}}, {coarse}}}"]
    sets += ["export={onnx: {}}", f"validate.backends=[{backends}]"]
    sets += ["validate.gates={default: {accuracy_drop: 0.05}}", f"publish.to={tmp_path}"]
    done = build(place, *(word for one in sets for word in ("--set", one)), "--json")
    built = read_build(
        make_plan(load_config(place / MOBILENET, sets)), Store(place / "artifacts/store")
    )
    cascade = json.loads(done.stdout)["manifest"]["cascade"]
    expected = cascade["expected"]
    proofs = [built.find_evidence(f"{cascade[side]} {judge}") for side in ("small", "large")]
    small, large = (load_file(proof / "confidence.safetensors") for proof in proofs if proof)
    golden = built.find_evidence("golden")
    assert golden
    labels = load_file(golden / "truth.safetensors")["label"]
    _, judged = halves(len(labels))
    assert len(judged) + cascade["calibrated_on"] == len(labels) == 360
    asked = small["confidence"] < cascade["threshold"]
    right = np.where(asked, large["answers"], small["answers"]) == labels
    assert expected["low"] <= right[judged].mean() <= expected["high"]
    assert asked[judged].mean() == pytest.approx(expected["escalated"], abs=0.02)
    assert expected["accuracy"] >= expected["small_accuracy"]
    assert expected["escalated"] < 0.25 and expected["bytes_ratio"] < 0.75
