"""Weights larger than hosts take are cut, and ONNX Runtime computes the same to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.artifacts.large_onnx import place, raw_bytes
from pipeline.export.onnx.files import externalize
from pipeline.export.onnx.parts import cut_large

MOST = 4096
CHANCE = np.random.default_rng(0)


def product(weight: np.ndarray, decoded: bool = False) -> Any:
    """x -> x times a weight, whose leading axes of one are taken away."""
    weight_name = "w"
    nodes, tensors = [], [numpy_helper.from_array(weight, "w")]
    if decoded:
        tensors += [numpy_helper.from_array(np.float32(0.03), "scale")]
        nodes.append(helper.make_node("DequantizeLinear", ["w", "scale"], ["float"]))
        weight_name = "float"
    tensors.append(numpy_helper.from_array(np.array(weight.shape[-2:]), "shape"))
    nodes += [
        helper.make_node("Reshape", [weight_name, "shape"], ["flat"]),
        helper.make_node("MatMul", ["x", "flat"], ["y"]),
    ]
    rows, columns = weight.shape[-2:]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, columns])],
        tensors,
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def run(model: Any) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString())
    rows = session.get_inputs()[0].shape[1]
    x = np.random.default_rng(1).standard_normal((3, rows)).astype(np.float32)
    result: np.ndarray = session.run(None, {"x": x})[0]
    return result


@pytest.mark.parametrize("shape", [(64, 64), (65, 33), (1, 1, 128, 16), (1025, 1), (4097, 3)])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_large_weight_is_cut_and_computes_the_same(shape: tuple[int, ...], dtype: str) -> None:
    values = CHANCE.standard_normal(shape) * 30
    whole = product(values.astype(dtype), decoded=dtype == "int8")
    cut = onnx.ModelProto()
    cut.CopyFrom(whole)
    cut_large(cut, MOST)
    onnx.checker.check_model(cut, full_check=True)
    assert max(map(raw_bytes, cut.graph.initializer)) <= MOST
    is_large = values.astype(dtype).nbytes > MOST
    assert [node.op_type for node in cut.graph.node].count("Concat") == is_large
    np.testing.assert_array_equal(run(cut), run(whole))


def test_what_fits_or_cannot_be_cut_stays() -> None:
    for shape in [(32, 32), (2, 1025), (1, 1, 1, 1025)]:
        model = product(CHANCE.standard_normal(shape).astype(np.float32))
        before = model.SerializeToString()
        cut_large(model, MOST if shape != (1, 1, 1, 1025) else 3)
        assert model.SerializeToString() == before


def test_names_that_are_taken_are_left_alone() -> None:
    model = product(CHANCE.standard_normal((64, 64)).astype(np.float32))
    model.graph.initializer.add().CopyFrom(
        numpy_helper.from_array(np.zeros(1, np.float32), "w_part_1")
    )
    expected = run(model)
    cut_large(model, MOST)
    names = [tensor.name for tensor in model.graph.initializer]
    assert len(names) == len(set(names)) == 6 and "w_part_1_" in names
    np.testing.assert_array_equal(run(model), expected)


def test_one_in_a_file_is_cut_there(tmp_path: Path) -> None:
    """As large weights lie: the parts are ranges of its bytes, and nothing is read."""
    weight = CHANCE.standard_normal((64, 64)).astype(np.float32)
    model = product(weight)
    expected = run(model)
    (tmp_path / "w.bin").write_bytes(bytes(128) + weight.tobytes())
    place(model.graph.initializer[0], "w.bin", 128, weight.nbytes)
    cut_large(model, MOST)
    files: dict[str, bytes] = {}

    def add(content: Any) -> str:
        files[f"{len(files)}.bin"] = b"".join(content)
        return f"{len(files) - 1}.bin"

    externalize(model, MOST, add, tmp_path)
    assert sorted(map(len, files.values())) == [MOST] * 4
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    onnx.save(model, tmp_path / "model.onnx")
    session = ort.InferenceSession(tmp_path / "model.onnx")
    x = np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
