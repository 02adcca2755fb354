"""int8 answers alike on processors that add products in 16 bits and on those that do not.

Both are emulated, so that these tests say the same on every machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from onnx_models import apply_int8, write_model, write_samples
from saturating import run

from pipeline.optimize import int8_dynamic
from pipeline.optimize.onnx.int8_weights import quantize
from pipeline.weights import pairs

RANDOM = np.random.default_rng(0)
#: Each of another brightness.
IMAGES = (
    RANDOM.uniform(0.5, 1, (24, 8, 9, 9)) * np.linspace(0.1, 1, 24)[:, None, None, None]
).astype(np.float32)
ROWS = (RANDOM.uniform(0.5, 1, (24, 96)) * np.linspace(0.1, 1, 24)[:, None]).astype(np.float32)


def weight(*shape: int) -> Any:
    """Mostly of one sign, so that products of neighbours add up."""
    signs = np.sign(RANDOM.uniform(-0.2, 0.8, shape))
    values = RANDOM.uniform(0.5, 1, shape) * signs
    return (values / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def convolutional(folder: Path) -> Path:
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], group=16, strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Conv", ["r2", "w3"], ["c3"], group=2, pads=[0, 1, 1, 0]),
        helper.make_node("GlobalAveragePool", ["c3"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w4"], ["y"], transB=1),
    ]
    return write_model(
        folder,
        nodes,
        [("image", "float32", (None, 8, 9, 9))],
        [("y", "float32", (None, 6))],
        w0=weight(16, 8, 3, 3),
        b0=weight(16, 1)[:, 0],
        w1=weight(16, 1, 3, 3),
        w2=weight(12, 16, 1, 1),
        w3=weight(10, 6, 2, 2),
        w4=weight(6, 10),
    )


def dense(folder: Path) -> Path:
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["m"]),
        helper.make_node("Relu", ["m"], ["r"]),
        helper.make_node("Gemm", ["r", "w1", "b1"], ["y"]),
    ]
    specs = ([("x", "float32", (None, 96))], [("y", "float32", (None, 20))])
    arrays = {"w0": weight(64, 96).T.copy(), "w1": weight(20, 64).T.copy(), "b1": weight(20)}
    return write_model(folder, nodes, *specs, **arrays)


NETWORKS = {"convolutional": (convolutional, {"image": IMAGES}), "dense": (dense, {"x": ROWS})}


def quantized(name: str, to: Path, technique: str, **options: Any) -> tuple[Path, Path, Any]:
    """The float32 model, the quantized one and its inputs."""
    make, feeds = NETWORKS[name]
    model = make(to / "model")
    if technique == "int8":
        samples = write_samples(to / "samples", **feeds)
        return model, apply_int8(model, samples, to / "work", **options), feeds
    (to / "work").mkdir()
    int8_dynamic.apply(
        {"model": model, "samples": model}, int8_dynamic.Options(**options), to / "work"
    )
    return model, to / "work" / "model.onnx", feeds


def relative(found: Any, wanted: Any) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)) / np.std(wanted))


CASES = [
    ("convolutional", "int8", {}),
    ("convolutional", "int8", {"granularity": "per-tensor"}),
    ("convolutional", "int8", {"weight_bits": 5, "small_weight_bits": 7}),
    ("dense", "int8", {}),
    ("dense", "int8", {"granularity": "per-tensor"}),
    ("dense", "int8-dynamic", {}),
]


@pytest.mark.parametrize(("name", "technique", "options"), CASES)
def test_no_processor_cuts_off_sums_of_portable_weights(
    name: str, technique: str, options: dict[str, Any], tmp_path: Path
) -> None:
    model, path, feeds = quantized(name, tmp_path, technique, **options)
    exact = run(path, saturates=False, **feeds)[0]
    wanted = run(model / "model.onnx", saturates=False, **feeds)[0]
    np.testing.assert_array_equal(run(path, saturates=True, **feeds)[0], exact)
    assert relative(exact, wanted) < 0.05


@pytest.mark.parametrize(("name", "technique", "options"), [CASES[0], *CASES[3:]])
def test_weights_of_all_8_bits_are_wrong_where_sums_saturate(
    name: str, technique: str, options: dict[str, Any], tmp_path: Path
) -> None:
    model, path, feeds = quantized(name, tmp_path, technique, portable=False, **options)
    wanted = run(model / "model.onnx", saturates=False, **feeds)[0]
    assert relative(run(path, saturates=False, **feeds)[0], wanted) < 0.05
    assert relative(run(path, saturates=True, **feeds)[0], wanted) > 0.15


@pytest.mark.parametrize("portable", [True, False])
@pytest.mark.parametrize(("name", "technique"), sorted({case[:2] for case in CASES}))
def test_this_processor_is_one_of_the_two_that_are_emulated(
    name: str, technique: str, portable: bool, tmp_path: Path
) -> None:
    _, path, feeds = quantized(name, tmp_path, technique, portable=portable)
    found = onnxruntime.InferenceSession(path).run(None, feeds)[0]
    errors = [relative(run(path, saturates=s, **feeds)[0], found) for s in (True, False)]
    assert min(errors) < 0.01
    # Neither says what the other says, but where nothing is cut off.
    assert (max(errors) < 0.01) == portable


def adversarial() -> dict[str, Any]:
    """Rows of weights, [channels, values]."""
    outlier = RANDOM.normal(0, 0.01, (8, 9))
    outlier[:, 4] = np.linspace(0.02, 1, 8)
    return {
        "normal": RANDOM.normal(0, 1, (40, 300)),
        "all alike": np.full((3, 50), 0.7),
        "two signs": np.resize([1.0, -1.0], (2, 20)),
        "one large": outlier,
        "two large": outlier + np.roll(outlier, 1, axis=1),
        "alone": RANDOM.normal(0, 1, (5, 1)),
        "zeros": np.zeros((2, 9)),
        "a grid of 8 bits": RANDOM.integers(-127, 128, (6, 200)) * 0.01,
        "a grid down to -128": np.resize([-128, -1, 127, 1], (2, 20)) * 0.5,
        "a grid within the bound": np.resize([100, 28, -64, -64], (2, 20)) * 0.5,
    }


@pytest.mark.parametrize("bits", [8, 7, 6.5, 4, 2])
@pytest.mark.parametrize("kind", adversarial())
def test_any_weights_keep_the_bound(kind: str, bits: float) -> None:
    rows = adversarial()[kind].astype(np.float32).astype(np.float64)
    numbers, scales = quantize(rows, bits, 0.0, portable=True)
    assert _worst(numbers) <= pairs.LARGEST_SUM
    assert pairs.largest(numbers).max() <= pairs.LIMIT
    errors = np.sqrt(((numbers * scales[:, None] - rows) ** 2).mean(axis=1))
    assert (errors <= np.abs(rows).max(axis=1) * 2.0 ** (1 - bits)).all()


def test_a_channel_with_one_large_weight_keeps_more_than_7_bits() -> None:
    rows = RANDOM.uniform(-0.2, 0.2, (50, 9))
    rows[:, 3] = 1
    numbers, _ = quantize(rows, 8, 0.0, portable=True)
    assert numbers.max(axis=1).min() > 90


def test_a_grid_within_the_bound_stays() -> None:
    rows = adversarial()["a grid within the bound"]
    numbers, scales = quantize(rows, 8, 0.0, portable=True)
    np.testing.assert_array_equal(numbers * scales[:, None], rows)


def _worst(numbers: Any) -> int:
    """The largest magnitude of a sum of any two products of a row, by trying all of them."""
    worst = 0
    for row in numbers.astype(np.int64):
        pos, neg = np.sort(row[row > 0])[::-1][:2], np.sort(row[row < 0])[:2]
        worst = max(worst, 255 * int(pos.sum()), -255 * int(neg.sum()) - 1)
    return worst


def test_products_of_two_activations_are_of_unsigned_ones(tmp_path: Path) -> None:
    """There are no weights to choose, but kernels for unsigned numbers add in 32 bits."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Transpose", ["q"], ["k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    specs = ([("x", "float32", (None, 6, 8))], [("y", "float32", (None, 6, 6))])
    model = write_model(tmp_path / "model", nodes, *specs, w=weight(8, 8))
    x = RANDOM.normal(size=(9, 6, 8)).astype(np.float32)
    samples = write_samples(tmp_path / "s", x=x)
    for portable, wanted in ((True, {np.uint8}), (False, {np.int8})):
        path = apply_int8(model, samples, tmp_path / str(portable), portable=portable)
        assert _types_of_activations(path) == wanted
        found = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
        assert relative(found, run(model / "model.onnx", saturates=False, x=x)[0]) < 0.05


def _types_of_activations(path: Path) -> set[Any]:
    graph = onnx.load(path).graph
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    encoders = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    return {arrays[node.input[2]].dtype.type for node in encoders}


def test_look_ups_keep_all_8_bits(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gather", ["table", "ids"], ["y"])]
    specs = ([("ids", "int32", (None,))], [("y", "float32", (None, 16))])
    table = RANDOM.uniform(-1, 1, (100, 16)).astype(np.float32)
    model = write_model(tmp_path / "model", nodes, *specs, table=table)
    (tmp_path / "work").mkdir()
    int8_dynamic.apply(
        {"model": model, "samples": model}, int8_dynamic.Options(), tmp_path / "work"
    )
    tensors = onnx.load(tmp_path / "work" / "model.onnx").graph.initializer
    numbers = next(numpy_helper.to_array(t) for t in tensors if t.data_type == 3)
    assert np.abs(numbers).max() > 100
