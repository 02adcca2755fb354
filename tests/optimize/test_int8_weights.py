"""What weights become in an int8 model, seen in the published numbers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_models import apply_int8, run, run_in_chromium, write_model, write_samples
from saturating import everywhere

from pipeline.base.errors import ConfigError
from pipeline.optimize.int8 import METHODS
from pipeline.optimize.onnx import int8_weights
from pipeline.optimize.onnx.int8_weights import SCALE_BITS, Bits, _largest, quantize

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(0, 1, (16, 3, 8, 8)).astype(np.float32)


def kernel(*shape: int) -> Any:
    return RANDOM.normal(0, 0.2, shape).astype(np.float32)


def network(folder: Path, **weights: Any) -> Path:
    """Two convolutions with biases."""
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1", "b1"], ["y"]),
    ]
    constants = {"w0": kernel(6, 3, 3, 3), "b0": kernel(6), "w1": kernel(4, 6, 1, 1)}
    return write_model(
        folder,
        nodes,
        [("image", "float32", (None, 3, 8, 8))],
        [("y", "float32", (None, 4, 8, 8))],
        **(constants | {"b1": kernel(4)} | weights),
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=IMAGES)


def decoded(path: Path, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The integers of the weight of this shape, and its float32 values."""
    model = onnx.load(path)
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        data = arrays.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if data is not None and data.shape == shape:
            scale = arrays[node.input[1]]
            return data, data * scale.reshape(-1, *[1] * (len(shape) - 1) if scale.ndim else [])
    raise AssertionError(f"no weight of shape {shape}")


def scales(path: Path) -> Any:
    tensors = onnx.load(path).graph.initializer
    return np.concatenate([numpy_helper.to_array(t).ravel() for t in tensors if len(t.dims) == 1])


@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_values_on_a_grid_stay_exactly_there(
    granularity: str, samples: Path, tmp_path: Path
) -> None:
    """As pruning, clustering, learned rounding and training leave them."""
    steps = np.float32([0.013] if granularity == "per-tensor" else RANDOM.uniform(0.01, 0.1, 6))
    numbers = RANDOM.integers(-3, 4, (6, 3, 3, 3)).astype(np.float32)
    weight = numbers * np.resize(steps, 6).reshape(6, 1, 1, 1)
    model = network(tmp_path / "model", w0=weight)
    path = apply_int8(model, samples, tmp_path / "work", granularity=granularity)
    found, values = decoded(path, weight.shape)
    assert np.array_equal(values, weight)
    assert np.array_equal(found, numbers)


def test_zeros_stay_zeros(samples: Path, tmp_path: Path) -> None:
    weight = kernel(6, 3, 3, 3)
    weight[np.abs(weight) < 0.15] = 0
    path = apply_int8(network(tmp_path / "model", w0=weight), samples, tmp_path / "work")
    found, _ = decoded(path, weight.shape)
    assert not found[weight == 0].any()
    assert found[weight != 0].all()


def test_fewer_bits_are_fewer_values_and_clip_none(samples: Path, tmp_path: Path) -> None:
    weight = kernel(6, 3, 3, 3)
    weight[:, 0, 0, 0] = 2
    model = network(tmp_path / "model", w0=weight)
    distinct = {}
    for bits in (8, 4):
        chosen = {"weight_bits": bits, "small_weight_bits": bits}
        path = apply_int8(model, samples, tmp_path / str(bits), **chosen)
        found, values = decoded(path, weight.shape)
        distinct[bits] = np.unique(found).size
        assert np.abs(values - weight).max() < (0.02 if bits == 8 else 0.2)
    assert distinct[4] < 20
    assert distinct[8] > 40


def test_depthwise_kernels_keep_more_bits() -> None:
    bits = Bits(3, 6)
    assert bits.of(kernel(64, 64)) == 3
    assert bits.of(kernel(512, 9)) == bits.of(kernel(16, 33)) == 6
    assert Bits(8, 6).of(kernel(512, 9)) == 8


def test_the_errors_of_a_channel_cancel_and_zeros_stay() -> None:
    # All of one sign and near the same value: the nearest steps would all err to one side.
    rows = RANDOM.uniform(0.3, 0.5, (20, 200))
    rows[:, ::7] = 0
    rows[:, 0] = 1
    numbers, scales = quantize(rows, 3, 0.0, portable=True)
    errors = numbers * scales[:, None] - rows
    nearest = np.rint(rows / scales[:, None]) * scales[:, None] - rows
    assert (np.abs(errors.sum(axis=1)) <= 0.5001 * scales).all()
    assert np.abs(nearest.sum(axis=1)).mean() > 2 * scales.mean()
    assert np.abs(errors).max() <= scales.max() * 1.0001
    assert not numbers[rows == 0].any()


def test_scales_and_biases_have_few_bits(samples: Path, tmp_path: Path) -> None:
    path = apply_int8(network(tmp_path / "model"), samples, tmp_path / "work")
    assert np.unique(np.frexp(scales(path))[0] * 2**12 % 1).tolist() == [0]
    dequantized = onnx.load(path)
    arrays = {t.name: numpy_helper.to_array(t) for t in dequantized.graph.initializer}
    for node in dequantized.graph.node:
        if node.op_type == "DequantizeLinear" and arrays.get(node.input[1], np.zeros(())).ndim:
            assert not (np.frexp(arrays[node.input[1]])[0] * 2**SCALE_BITS % 1).any()


def test_a_channel_of_next_to_nothing_keeps_its_large_bias(samples: Path, tmp_path: Path) -> None:
    """Folded batch norms make such channels; int32 would wrap around at the weights' own scale."""
    weight, bias = kernel(6, 3, 3, 3), np.full(6, 0.5, np.float32)
    weight[0] *= 1e-12
    model = network(tmp_path / "model", w0=weight, b0=bias)
    path = apply_int8(model, samples, tmp_path / "work")
    wanted = run(model / "model.onnx", image=IMAGES)[0]
    for found in everywhere(path, image=IMAGES):
        assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_groups_of_a_transposed_convolution_share_channels_and_not_biases(
    granularity: str, samples: Path, tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("ConvTranspose", ["image", "w", "b"], ["c"], group=3),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    specs = ([("image", "float32", (None, 3, 8, 8))], [("y", "float32", (None, 12, 10, 10))])
    # A channel of next to nothing, whose largest bias is the last group's.
    weight, bias = kernel(3, 4, 3, 3), np.linspace(0, 0.5, 12, dtype=np.float32)
    weight[:, 3] *= 1e-12
    model = write_model(tmp_path / "model", nodes, *specs, w=weight, b=bias)
    path = apply_int8(model, samples, tmp_path / "work", granularity=granularity)
    wanted, found = run(model / "model.onnx", image=IMAGES)[0], run(path, image=IMAGES)[0]
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_biases_are_bounded_by_channel_whatever_their_shape() -> None:
    assert _largest(np.array([1.0, -4, 3, 2]), 2).tolist() == [3, 4]
    assert _largest(np.array([[1.0, -4]]), 2).tolist() == [1, 4]
    assert _largest(np.array(-3.0), 2).tolist() == 3
    assert _largest(np.array([1.0, -4]), 1).tolist() == [4]


def test_blocks_of_channels_are_quantized_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = RANDOM.normal(size=(300, 500))
    at_once = quantize(rows, 6, np.linspace(0, 0.1, 300), portable=True)
    monkeypatch.setattr(int8_weights, "BLOCK_VALUES", 7 * 500)
    tracemalloc.start()
    in_blocks = quantize(rows, 6, np.linspace(0, 0.1, 300), portable=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for one, other in zip(at_once, in_blocks, strict=True):
        np.testing.assert_array_equal(one, other)
    # One byte a weight for the integers, and what a block takes.
    assert peak < 4 * rows.size


def test_nodes_and_operators_can_be_left_in_float32(samples: Path, tmp_path: Path) -> None:
    model = network(tmp_path / "model")
    floats = {}
    for name, options in {"skip": {"skip": ["Conv_0"]}, "only": {"only": ["Relu"]}}.items():
        graph = onnx.load(apply_int8(model, samples, tmp_path / name, **options)).graph
        floats[name] = [list(t.dims) for t in graph.initializer if t.data_type == 1 and t.dims]
    assert [6, 3, 3, 3] in floats["skip"]
    assert [4, 6, 1, 1] not in floats["skip"]
    assert [4, 6, 1, 1] in floats["only"]
    with pytest.raises(ConfigError, match="has no node or operator Conf"):
        apply_int8(model, samples, tmp_path / "wrong", skip=["Conf"])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_same_bytes_twice(
    method: str, samples: Path, tmp_path: Path
) -> None:
    model = network(tmp_path / "model")
    paths = [apply_int8(model, samples, tmp_path / str(i), method=method) for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.browser
def test_biases_in_float32_are_right_in_chromium(samples: Path, tmp_path: Path) -> None:
    model = network(tmp_path / "model", b0=np.linspace(-3, 3, 6, dtype=np.float32))
    path = apply_int8(model, samples, tmp_path / "work")
    found = run_in_chromium(tmp_path / "work", tmp_path / "artifact", image=IMAGES)["y"]
    for wanted in (run(path, image=IMAGES)[0], run(model / "model.onnx", image=IMAGES)[0]):
        assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)
