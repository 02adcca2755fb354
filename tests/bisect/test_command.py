"""``pipeline bisect`` on what ``pipeline build`` left in the store."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from click.testing import Result
from commands import pipeline
from onnx import numpy_helper

from pipeline.artifacts.artifact import ArtifactFolder, ArtifactWriter
from pipeline.artifacts.proof import Proof
from pipeline.build.batch import plan_configs
from pipeline.config.file import load_config
from pipeline.engine.schedule import Run
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent
from pipeline.export.onnx.files import externalize
from pipeline.graphs.origins import FILE
from pipeline.plan import Plan, make_plan
from pipeline.plan.execute import NoLanes, stored_results

CONFIG = """\
name: digits
license: Apache-2.0
source: {bundled: mobilenet_digits}
samples: {bundled: digits}
input: {image: {size: [64, 64], color: rgb, scale: [-1, 1]}}
variants: {fp32: {}, uint8: {quantize: uint8}}
export: {onnx: {variants: [fp32]}, tfjs-graph: {}, tfjs-layers: {variants: [fp32]}}
validate: {backends: [onnxruntime-cpu, tfjs-wasm]}
"""


def run(place: Path, *words: object, check: int = 0) -> Result:
    return pipeline(*words, "--store", place / "store", cwd=place, check=check)


def bisect(place: Path, artifact: str, target: str, *more: object, check: int = 0) -> Result:
    words = ("bisect", artifact, "--backend", target, "--config", "digits.yaml", *more)
    return run(place, *words, check=check)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, and a store with what was built from it."""
    place = tmp_path_factory.mktemp("place")
    (place / "digits.yaml").write_text(CONFIG)
    run(place, "build", "digits.yaml", "--no-browsers", "--set", "publish.to=cdn")
    return place


def test_a_right_artifact(place: Path) -> None:
    done = bisect(place, "onnx/fp32", "onnxruntime-cpu")
    assert "within tolerance everywhere" in done.stdout
    assert "60 of 60 nodes compared" in done.stdout
    again = bisect(place, "onnx/fp32", "onnxruntime-cpu")
    assert "from the store" in again.stderr
    assert again.stdout == done.stdout
    assert not (place / "artifacts").exists()


@pytest.mark.browser
@pytest.mark.nightly  # test_tfjs_faults.py bisects in pages, and below is JSON of a native one
def test_json_of_a_variant_in_a_browser(place: Path) -> None:
    done = bisect(place, "tfjs-graph/uint8", "tfjs-wasm", "--samples", 2, "--json")
    result = json.loads(done.stdout)
    assert result["artifact"] == "tfjs-graph/uint8"
    assert result["target"] == "tfjs-wasm@chromium"
    # Not proved there, in a build without browsers: the first ones.
    assert result["samples"] == [0, 1]
    assert result["first"] is None
    assert result["reproduction"] is None
    assert 1e-4 < result["ranking"][0]["error_added"] < result["tolerance"] == 0.1


def test_the_samples_are_those_that_its_proof_found_worst(place: Path) -> None:
    done = bisect(place, "onnx/fp32", "onnxruntime-cpu", "--json")
    samples = json.loads(done.stdout)["samples"]
    assert len(set(samples)) == 4
    assert samples != [0, 1, 2, 3]
    store, (plan,) = Store(place / "store"), plan_configs([place / "digits.yaml"]).values()
    proof = next(one.proofs["onnxruntime-cpu"] for one in plan.artifacts if one.id == "onnx/fp32")
    nodes = replace(plan, nodes={name: plan.nodes[name] for name in needed(plan, proof)})
    proved = json.loads(store.read(stored_results(nodes, store)[proof], Proof.FILE))
    assert samples == [one["sample"] for one in proved["worst"][:4]]


def needed(plan: Plan, name: str) -> list[str]:
    """A node and all before it, in the plan's order."""
    found = {name}
    for other in reversed(plan.nodes):
        if other in found:
            found.update(plan.nodes[other].needs())
    return [other for other in plan.nodes if other in found]


def test_a_tolerance_of_ones_own_makes_the_first_node_wrong(place: Path) -> None:
    done = bisect(place, "onnx/fp32", "onnxruntime-cpu", "--tolerance", 1e-12)
    assert "first wrong node: Conv_0 (Conv)" in done.stdout
    folder = place / "artifacts" / "bisect" / "digits-onnx-fp32-onnxruntime-cpu"
    assert f"{folder.relative_to(place)}/README.md" in done.stdout
    shown = subprocess.run([sys.executable, str(folder / "reproduce.py")], check=False)
    assert shown.returncode == 1


@pytest.mark.parametrize(
    ("artifact", "target", "said"),
    [
        ("onnx/fp16", "onnxruntime-cpu", "the config makes no artifact onnx/fp16"),
        ("tfjs-layers/fp32", "tfjs-wasm", "bisect is not for tfjs-layers"),
        ("onnx/fp32", "tfjs-wasm", "tfjs-wasm does not run onnx"),
        ("onnx/fp32", "onnxruntime-cp", 'did you mean "onnxruntime-cpu"?'),
    ],
)
def test_what_cannot_be_is_said(place: Path, artifact: str, target: str, said: str) -> None:
    done = bisect(place, artifact, target, check=2)
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_without_a_build_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text(CONFIG)
    done = bisect(tmp_path, "onnx/fp32", "onnxruntime-cpu", check=2)
    assert "run `pipeline build`" in done.stderr


def test_it_keeps_off_folders_with_something_else(place: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    more = ("--tolerance", 1e-12, "--output", tmp_path)
    done = bisect(place, "onnx/fp32", "onnxruntime-cpu", *more, check=2)
    assert "something else than a reproduction" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_fault_in_a_built_artifact_is_found(place: Path, tmp_path: Path) -> None:
    plant(place, tmp_path)
    output = tmp_path / "shown"
    done = bisect(place, "onnx/fp32", "onnxruntime-cpu", "--output", output)
    assert "first wrong node: Conv_6 (Conv)" in done.stdout
    assert "in the source   mobilenet_digits/conv_pw_3" in done.stdout
    assert (output / "model.onnx").exists()
    # Again, into the same folder.
    bisect(place, "onnx/fp32", "onnxruntime-cpu", "--output", output)


def plant(place: Path, work: Path) -> None:
    """Give the store another artifact as the result of its step: with one weight wrong."""
    store = Store(place / "store")
    plan = make_plan(load_config(place / "digits.yaml"), browsers=False)
    node = "package onnx/fp32"
    files = {name: dict(node.files) for name, node in plan.nodes.items() if node.files}
    run = Run(plan, store, NoLanes(), files, Silent())
    artifact = store.open(run.all()[node])
    whole = ArtifactFolder(artifact)
    model = onnx.load(whole.entry, load_external_data=False)
    for tensor in model.graph.initializer:
        if tensor.external_data:
            entry = {item.key: item.value for item in tensor.external_data}
            data = (artifact / "files" / entry["location"]).read_bytes()[int(entry["offset"]) :]
            tensor.raw_data = data[: int(entry["length"])]
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
        if tensor.name == "Conv_6.in1":
            values = numpy_helper.to_array(tensor).copy()
            values.flat[0] += 1
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    folder = work / "artifact"
    folder.mkdir()
    writer = ArtifactWriter(folder, "onnx", "fp32", whole.signature)
    externalize(model, 2**22, lambda data: writer.add_file(data, "bin"), folder)
    writer.finish(writer.add_file(model.SerializeToString(), "onnx"))
    (folder / FILE).write_text((artifact / FILE).read_text())
    store.record(run.keys[node], store.add(folder, 0.0))
