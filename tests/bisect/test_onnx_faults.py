"""Faults planted in ONNX artifacts, found in real onnxruntime."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import Converted
from nightly import nightly
from onnx import helper, numpy_helper

from pipeline.bisect import source

Change = Callable[[Any], None]


def node(model: Any, name: str) -> Any:
    return next(node for node in model.graph.node if node.name == name)


def weight(name: str, change: Callable[[Any], None]) -> Change:
    """Change an initializer's values in place."""

    def apply(model: Any) -> None:
        tensor = next(t for t in model.graph.initializer if t.name == name)
        values = numpy_helper.to_array(tensor).copy()
        change(values)
        tensor.CopyFrom(numpy_helper.from_array(values, name))

    return apply


def one_wrong(values: Any) -> None:
    values.flat[values.size // 2] += 1


def attribute(name: str, key: str, value: Any) -> Change:
    def apply(model: Any) -> None:
        found = node(model, name)
        kept = [item for item in found.attribute if item.name != key]
        del found.attribute[:]
        found.attribute.extend([*kept, helper.make_attribute(key, value)])

    return apply


def dilated(model: Any) -> None:
    """Padded so that the shape stays."""
    attribute("Conv_1", "dilations", [2, 2])(model)
    attribute("Conv_1", "pads", [2, 2, 2, 2])(model)


def unbounded(name: str) -> Change:
    def apply(model: Any) -> None:
        clip = node(model, name)
        clip.op_type = "Relu"
        del clip.input[1:]

    return apply


def swapped(name: str) -> Change:
    def apply(model: Any) -> None:
        inputs = node(model, name).input
        inputs[0], inputs[1] = inputs[1], inputs[0]

    return apply


def operator(name: str, op_type: str) -> Change:
    def apply(model: Any) -> None:
        node(model, name).op_type = op_type

    return apply


FAULTS = {
    "a weight": ("branches", weight("Conv_1.in1", one_wrong), "Conv_1", "BiasAdd_1:0"),
    "a bias": ("branches", weight("Conv_2.in2", one_wrong), "Conv_2", None),
    # TensorFlow pads SAME at the end first where strides leave an odd number.
    "padding": ("branches", attribute("Conv_0", "pads", [1, 1, 0, 0]), "Conv_0", "BiasAdd:0"),
    "dilation": ("branches", dilated, "Conv_1", "BiasAdd_1:0"),
    "epsilon": (
        "branches",
        attribute("BatchNormalization_0", "epsilon", 1e-5),
        "BatchNormalization_0",
        "FusedBatchNormV3:0",
    ),
    "swapped operands": ("branches", swapped("Sub_0"), "Sub_0", "less:0"),
    "swapped parts": ("branches", swapped("Concat_0"), "Concat_0", "joined:0"),
    "operator": ("branches", operator("Add_0", "Sub"), "Add_0", "residual:0"),
    "axis": ("branches", attribute("Softmax_0", "axis", 0), "Softmax_0", "scores:0"),
    "a matrix": ("perceptron", weight("MatMul_1.in1", one_wrong), "MatMul_1", "MatMul_1:0"),
    "activation": ("perceptron", operator("Tanh_0", "Sigmoid"), "Tanh_0", "one:0"),
    "a merged norm": ("normed", weight("Conv_0.in2", one_wrong), "Conv_0", "norm:0"),
    "behind a merged norm": ("normed", unbounded("Clip_0"), "Clip_0", "bounded:0"),
    "behind a loop": ("looping", weight("MatMul_2.in1", one_wrong), "MatMul_2", None),
    "a deep weight": ("mobilenet", weight("Conv_13.in1", one_wrong), "Conv_13", None),
    "a bound": ("mobilenet", unbounded("Clip_3"), "Clip_3", None),
}


RIGHT = ["branches", "perceptron", "normed", "swish", "looping", nightly("mobilenet")]


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_artifact_is_right_everywhere(
    converted: dict[str, Converted], name: str, tmp_path: Path
) -> None:
    artifact = converted[name].onnx(tmp_path, lambda model: None)
    result = converted[name].bisect(artifact, tmp_path)
    assert result["first"] is None
    assert result["wrong"] == []
    assert result["compared"] == result["nodes"]
    (output,) = result["outputs"].values()
    assert all(error < 1e-5 for error in output.values())
    assert max(one["error_after"] for one in result["ranking"]) < 1e-5
    assert not (tmp_path / "found" / "reproduction").exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_exactly_the_faulty_node_is_found(
    converted: dict[str, Converted], fault: str, tmp_path: Path
) -> None:
    name, change, expected, source = FAULTS[fault]
    artifact = converted[name].onnx(tmp_path, change)
    result = converted[name].bisect(artifact, tmp_path)
    assert [one["node"] for one in result["wrong"]] == [expected]
    assert source is None or result["first"]["source"] == source
    assert result["first"]["error_before"] <= result["tolerance"] < result["first"]["error_after"]
    assert result["ranking"][0]["node"] == expected


def test_two_faults_are_both_found(converted: dict[str, Converted], tmp_path: Path) -> None:
    def both(model: Any) -> None:
        weight("Conv_2.in1", one_wrong)(model)
        swapped("Sub_0")(model)

    result = converted["branches"].bisect(converted["branches"].onnx(tmp_path, both), tmp_path)
    assert [one["node"] for one in result["wrong"]] == ["Conv_2", "Sub_0"]


def test_little_memory_changes_nothing(
    converted: dict[str, Converted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = converted["branches"]
    monkeypatch.setattr(source, "CHUNK_BYTES", 8192)
    traced = model.trace(tmp_path / "trace")
    files = [path for path in traced.glob("*.safetensors") if path.stem.isdigit()]
    assert len(files) > 5
    assert max(path.stat().st_size for path in files) < 20_000
    results = []
    for name, trace in (("little", traced), ("much", None)):
        (work := tmp_path / name).mkdir()
        artifact = model.onnx(work, weight("Conv_1.in1", one_wrong))
        results.append(model.bisect(artifact, work, traced=trace))
    assert results[0]["first"]["node"] == "Conv_1"
    assert results[0] == results[1]


def test_a_tensor_of_another_shape_is_wrong(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    change = attribute("MaxPool_0", "strides", [2, 2])
    result = converted["branches"].bisect(converted["branches"].onnx(tmp_path, change), tmp_path)
    assert result["first"]["node"] == "MaxPool_0"
    assert result["first"]["reason"] == (
        "gives a tensor of shape [1, 8, 3, 3] where the source has [1, 6, 6, 8]"
    )
    assert len(result["wrong"]) == 1
    assert reproduce(tmp_path).returncode == 1


def test_what_is_not_finite_is_wrong(converted: dict[str, Converted], tmp_path: Path) -> None:
    artifact = converted["perceptron"].onnx(tmp_path, operator("Tanh_0", "Log"))
    result = converted["perceptron"].bisect(artifact, tmp_path)
    assert [one["node"] for one in result["wrong"]] == ["Tanh_0"]
    assert result["first"]["error_added"] is None
    assert reproduce(tmp_path).returncode == 1
    readme = (tmp_path / "found" / "reproduction" / "README.md").read_text()
    assert "gives values that are not finite" in readme


def test_a_node_that_does_not_run_is_wrong(converted: dict[str, Converted], tmp_path: Path) -> None:
    change = operator("Sigmoid_0", "Sigmoidal")
    result = converted["branches"].bisect(converted["branches"].onnx(tmp_path, change), tmp_path)
    assert result["first"]["node"] == "Sigmoid_0"
    assert "Sigmoidal" in result["first"]["reason"]
    assert result["outputs"]["scores"] == {"error": None, "error_while_all_is_read": None}
    done = reproduce(tmp_path)
    assert done.returncode == 1
    assert "Sigmoidal" in done.stderr


@pytest.mark.parametrize("codec", ["uint8", "float16"])
def test_rounding_is_no_fault_and_a_fault_is_found_beside_it(
    converted: dict[str, Converted], codec: str, tmp_path: Path
) -> None:
    tolerance = {"uint8": 0.1, "float16": 2e-3}[codec]
    for name, change in (
        ("right", lambda model: None),
        ("wrong", weight("Conv_10.in1", lambda values: values.__imul__(1.5))),
    ):
        (work := tmp_path / name).mkdir()
        artifact = converted["mobilenet"].onnx(work, change, codec)
        result = converted["mobilenet"].bisect(artifact, work, tolerance=tolerance)
        assert [one["node"] for one in result["wrong"]] == (["Conv_10"] if name == "wrong" else [])
        assert result["ranking"][1]["error_added"] < tolerance / 2


def test_the_reproduction_shows_the_same_error_by_itself(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    artifact = converted["mobilenet"].onnx(tmp_path, weight("Conv_13.in1", one_wrong))
    result = converted["mobilenet"].bisect(artifact, tmp_path)
    done = reproduce(tmp_path)
    assert done.returncode == 1, done.stderr
    verdict, _, share = done.stdout.splitlines()[:3]
    assert verdict == "wrong"
    assert np.isclose(float(share.split()[-1]), result["first"]["error_added"], rtol=1e-3)
    folder = tmp_path / "found" / "reproduction"
    assert (folder / "model.onnx").stat().st_size < 10_000
    readme = (folder / "README.md").read_text()
    assert "Conv_13" in readme
    assert "python reproduce.py" in readme
    assert all(f"| {path.name} |" in readme for path in folder.iterdir())


def test_the_reproduction_says_when_it_is_mended(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    import onnx

    artifact = converted["perceptron"].onnx(tmp_path, operator("Tanh_0", "Sigmoid"))
    converted["perceptron"].bisect(artifact, tmp_path)
    path = tmp_path / "found" / "reproduction" / "model.onnx"
    model = onnx.load(path)
    model.graph.node[0].op_type = "Tanh"
    onnx.save(model, path)
    done = reproduce(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("within tolerance")


def reproduce(work: Path) -> subprocess.CompletedProcess[str]:
    """Run the reproduction, isolated from this package."""
    script = work / "found" / "reproduction" / "reproduce.py"
    command = [sys.executable, "-I", str(script)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
