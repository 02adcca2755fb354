"""Dynamic int8: small, close to float32 on inputs of any size, in every runtime of ONNX."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import run, run_in_chromium, write_model
from saturating import everywhere

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.optimize import int8_dynamic

RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(0, 500, (50, 12)).astype(np.int32)


def weight(*shape: int) -> Any:
    return RANDOM.normal(0, shape[0] ** -0.5, shape).astype(np.float32)


#: The later rows are a hundred times smaller.
TABLE = weight(500, 32) * np.geomspace(100, 1, 500, dtype=np.float32)[:, None]


@pytest.fixture(scope="module")
def attention(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model: a look-up, an attention head and a dense layer."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("MatMul", ["e", "wq"], ["q"]),
        helper.make_node("MatMul", ["e", "wk"], ["k0"]),
        helper.make_node("Transpose", ["k0"], ["k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Softmax", ["s"], ["a"]),
        helper.make_node("MatMul", ["a", "e"], ["v"]),
        helper.make_node("ReduceMean", ["v"], ["m"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["m", "wo", "bo"], ["y"], transB=1),
    ]
    return write_model(
        tmp_path_factory.mktemp("attention") / "model",
        nodes,
        [("ids", "int32", (None, 12))],
        [("y", "float32", (None, 40))],
        table=TABLE,
        wq=weight(32, 64) / 50,
        wk=weight(32, 64) / 50,
        wo=weight(40, 32),
        bo=weight(40),
    )


def apply(model: Path, work: Path, **options: Any) -> Path:
    work.mkdir(exist_ok=True)
    inputs = {"model": model, "samples": model}
    int8_dynamic.apply(inputs, int8_dynamic.Options(**options), work)
    return work / "model.onnx"


def relative(found: Any, wanted: Any) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)) / np.std(wanted))


def test_it_agrees_with_float32_and_holds_no_float32_weight(
    attention: Path, tmp_path: Path
) -> None:
    path = apply(attention, tmp_path)
    wanted = run(attention / "model.onnx", ids=IDS)[0]
    for found in everywhere(path, ids=IDS):
        assert relative(found, wanted) < 0.02
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {(item.domain, item.version) for item in model.opset_import} == {("", 17)}
    tensors = model.graph.initializer
    large = [t for t in tensors if np.prod(t.dims) > max(t.dims, default=0)]
    assert {t.data_type for t in large} == {TensorProto.INT8}
    kinds = Counter(node.op_type for node in model.graph.node)
    # Two products read the same input, which is rounded once.
    assert (kinds["MatMulInteger"], kinds["DynamicQuantizeLinear"]) == (3, 2)


def test_a_square_constant_can_be_read_by_rows_and_by_columns(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["a", "w"], ["y"], transB=1),
    ]
    specs = ([("x", "float32", (None, 64))], [("y", "float32", (None, 64))])
    model = write_model(tmp_path / "model", nodes, *specs, w=weight(64, 64))
    x = RANDOM.normal(size=(8, 64)).astype(np.float32)
    wanted = run(model / "model.onnx", x=x)[0]
    for found in everywhere(apply(model, tmp_path / "work"), x=x):
        assert relative(found, wanted) < 0.03


def test_every_row_of_a_table_has_its_own_scale(attention: Path, tmp_path: Path) -> None:
    model = onnx.load(apply(attention, tmp_path, only=["Gather"]))
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    numbers = next(array for array in arrays.values() if array.dtype == np.int8)
    scales = next(array for array in arrays.values() if array.shape == (500, 1))
    for row in (0, -1):
        assert relative(numbers[row] * scales[row], TABLE[row]) < 0.01


def test_the_same_bytes_twice_and_fewer_with_fewer_bits(attention: Path, tmp_path: Path) -> None:
    import brotli

    contents = [
        apply(attention, tmp_path / str(i), weight_bits=bits).read_bytes()
        for i, bits in enumerate((8, 8, 5))
    ]
    assert contents[0] == contents[1]
    small, large = (len(brotli.compress(contents[i])) for i in (2, 0))
    assert small < 0.8 * large


def test_what_is_skipped_stays_and_nothing_to_quantize_is_an_error(
    attention: Path, tmp_path: Path
) -> None:
    model = onnx.load(apply(attention, tmp_path / "skip", skip=["MatMul", "Gemm"]))
    assert "MatMulInteger" not in {node.op_type for node in model.graph.node}
    with pytest.raises(ConfigError, match="no node or operator Conv"):
        apply(attention, tmp_path / "wrong", only=["Conv"])
    with pytest.raises(PipelineError, match="has no matrix product or look-up"):
        apply(attention, tmp_path / "none", skip=["MatMul", "Gemm", "Gather"])


@pytest.mark.browser
def test_it_runs_in_chromium(attention: Path, tmp_path: Path) -> None:
    wanted = run(apply(attention, tmp_path), ids=IDS)[0]
    found = run_in_chromium(tmp_path, tmp_path / "artifact", ids=IDS)["y"]
    # Sums of integers are exact; only the last rounding may differ.
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.std(wanted))
