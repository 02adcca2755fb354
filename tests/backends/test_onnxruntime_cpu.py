"""ONNX artifacts in native onnxruntime, compared with what TensorFlow returned."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.backends import onnxruntime_cpu
from pipeline.backends.native import runtime as native
from pipeline.backends.native.runtime import in_turn
from pipeline.base.errors import PipelineError, RunError
from pipeline.tensors.signature import Signature, TensorSpec

FIXTURES = Path(__file__).parent / "web" / "fixtures"
ARTIFACT = FIXTURES / "classifier_onnx" / "artifact"


@pytest.fixture
def inputs() -> dict[str, Any]:
    return load_file(FIXTURES / "classifier" / "inputs.safetensors")


@pytest.fixture
def expected() -> dict[str, Any]:
    return load_file(FIXTURES / "classifier" / "outputs.safetensors")


def test_parity_with_external_data(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    with onnxruntime_cpu.BACKEND.open_session(ARTIFACT) as opened:
        outputs = opened.infer(inputs)
    assert list(outputs) == ["probabilities"]
    np.testing.assert_allclose(outputs["probabilities"], expected["probabilities"], atol=1e-5)


def test_an_artifact_of_links_runs(
    tmp_path: Path, inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    # As the store lays it out; onnxruntime refuses external data behind symbolic links.
    (tmp_path / "tree" / "files").mkdir(parents=True)
    shutil.copy(ARTIFACT / "artifact.json", tmp_path / "tree")
    for file in (ARTIFACT / "files").iterdir():
        object_ = tmp_path / file.stem[:2] / file.stem[2:]
        object_.parent.mkdir(exist_ok=True)
        shutil.copy(file, object_)
        (tmp_path / "tree" / "files" / file.name).hardlink_to(object_)
    with onnxruntime_cpu.BACKEND.open_session(tmp_path / "tree") as opened:
        outputs = opened.infer(inputs)
    np.testing.assert_allclose(outputs["probabilities"], expected["probabilities"], atol=1e-5)


def test_two_sessions_give_the_same_bytes(inputs: dict[str, Any]) -> None:
    seen = set()
    for _ in range(2):
        with onnxruntime_cpu.BACKEND.open_session(ARTIFACT) as opened:
            seen.add(opened.infer(inputs)["probabilities"].tobytes())
    assert len(seen) == 1


def test_hardware_and_latency(inputs: dict[str, Any]) -> None:
    one = {name: array[:1] for name, array in inputs.items()}
    with onnxruntime_cpu.BACKEND.open_session(ARTIFACT) as opened:
        latency = opened.latency(one, reference=None, warmups=1, repeats=5)
        hardware, load_ms = opened.hardware, opened.load_ms
    assert hardware.kind == "cpu"
    assert hardware.name
    assert hardware.details["provider"] == "CPUExecutionProvider"
    assert load_ms > 0
    assert latency.first_ms > 0
    assert len(latency.warm_ms) == 5
    assert min(latency.warm_ms) > 0


def test_missing_external_data_names_the_artifact(tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ARTIFACT, tmp_path / "artifact"))
    (data,) = artifact.glob("files/*.bin")
    data.write_bytes(b"")
    with pytest.raises(RunError, match=r"^onnx/fp32: onnxruntime does not run it: ") as caught:
        onnxruntime_cpu.BACKEND.open_session(artifact)
    assert str(tmp_path) not in str(caught.value), "no path of this machine"


def test_a_node_that_onnxruntime_has_no_kernel_for_is_named(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.UINT16, [None, 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], "n")], "g", [x], [y])
    opset = [helper.make_opsetid("", 14)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    spec = (TensorSpec("x", "uint16", (None, 2)),), (TensorSpec("y", "uint16", (None, 2)),)
    writer = ArtifactWriter(tmp_path, "onnx", "fp32", Signature(*spec))
    writer.finish(writer.add_file(model.SerializeToString(), "onnx"))
    with pytest.raises(RunError) as caught:
        onnxruntime_cpu.BACKEND.open_session(tmp_path)
    assert str(tmp_path) not in str(caught.value)
    assert "Relu" in caught.value.what and caught.value.lasting


def test_outputs_that_the_artifact_does_not_promise_are_an_error(tmp_path: Path) -> None:
    artifact = Path(shutil.copytree(ARTIFACT, tmp_path / "artifact"))
    description = json.loads((artifact / "artifact.json").read_text())
    description["outputs"][0]["name"] = "scores"
    (artifact / "artifact.json").write_text(json.dumps(description))
    message = r"the model returns \['probabilities'\], the artifact promises \['scores'\]"
    with pytest.raises(PipelineError, match=message):
        onnxruntime_cpu.BACKEND.open_session(artifact)


def test_a_reference_is_timed_pair_by_pair(inputs: dict[str, Any]) -> None:
    one = {name: values[:1] for name, values in inputs.items()}
    with onnxruntime_cpu.BACKEND.open_session(ARTIFACT) as opened:
        latency = opened.latency(one, reference=ARTIFACT, warmups=1, repeats=6)
        assert opened.fetched_bytes is None
        assert (opened.memory()["process_bytes"] or 0) > 10_000_000
    assert latency.reference_ms is not None
    assert len(latency.warm_ms) == len(latency.reference_ms) == 6


def test_each_of_a_pair_comes_second_in_turn() -> None:
    seen: list[str] = []
    in_turn([lambda: seen.append("a"), lambda: seen.append("b")], warmups=2, repeats=2)
    assert "".join(seen) == "abab" + "ab" + "ba"


def test_what_is_quick_is_timed_for_a_while(inputs: dict[str, Any]) -> None:
    one = {name: values[:1] for name, values in inputs.items()}
    with onnxruntime_cpu.BACKEND.open_session(ARTIFACT) as opened:
        latency = opened.latency(one, reference=None, warmups=1, repeats=5, seconds=0.1)
    assert 5 < len(latency.warm_ms) <= native.MOST


def test_what_is_slow_is_timed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "LONGEST_S", 0.05)
    (times,) = in_turn([partial(sleep, 0.02)], warmups=1, repeats=20)
    assert len(times) == native.FEWEST
    monkeypatch.setattr(native, "LONGEST_S", 10)
    assert len(in_turn([partial(sleep, 0.001)], warmups=1, repeats=20)[0]) == 20
