"""What an int8 model is to leave in float32 is float32 in ONNX Runtime, not weights of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from frozen_models import freeze
from frozen_models import run as tensorflow_outputs
from onnx import helper, numpy_helper
from onnx_models import apply_int8, write_model, write_samples

from pipeline.export import onnx as fmt
from pipeline.graphs.onnx.left_float import rewritten
from pipeline.tensors.signature import TensorSpec
from pipeline.validate import portable

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0, 1, (12, 4, 8, 8)).astype(np.float32)


def weight(*shape: int) -> Any:
    return RANDOM.normal(0, 0.3, shape).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"]),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], group=2),
        helper.make_node("ConvTranspose", ["c1", "w2", "b2"], ["c2"]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["m"], transB=1),
        helper.make_node("Gemm", ["m", "w4", "b4"], ["y"]),
    ]
    return write_model(
        tmp_path_factory.mktemp("network") / "model",
        nodes,
        [("image", "float32", (None, 4, 8, 8))],
        [("y", "float32", (None, 5))],
        **{"w0": weight(6, 4, 3, 3), "b0": weight(6), "w1": weight(8, 3, 1, 1)},
        **{"w2": weight(8, 6, 2, 2), "b2": weight(6), "w3": weight(7, 6), "b3": weight(7)},
        **{"w4": weight(7, 5), "b4": weight(5)},
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=IMAGES)


def loaded(path: Path, to: Path) -> Counter[str]:
    """How many nodes of each operator there are in what onnxruntime runs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(to)
    onnxruntime.InferenceSession(path, options)
    return Counter(node.op_type for node in onnx.load(to).graph.node)


@pytest.mark.parametrize("left", ["Conv_0", "Conv_1", "Gemm_0", "Gemm_1"])
def test_only_what_is_left_is_float32(
    network: Path, samples: Path, left: str, tmp_path: Path
) -> None:
    all_of_them = loaded(apply_int8(network, samples, tmp_path / "all"), tmp_path / "a.onnx")
    path = apply_int8(network, samples, tmp_path / "some", skip=[left])
    onnx.checker.check_model(path, full_check=True)
    some = loaded(path, tmp_path / "s.onnx")
    integers = {"Conv": "QLinearConv", "Gemm": "QGemm"}[left.partition("_")[0]]
    assert some[integers] == all_of_them[integers] - 1
    other = ({"QLinearConv", "QGemm"} - {integers}).pop()
    assert some[other] == all_of_them[other]


@pytest.mark.parametrize("left", ["Conv_1", "ConvTranspose_0", "Gemm_0"])
def test_it_is_as_exact_as_float32(network: Path, samples: Path, left: str, tmp_path: Path) -> None:
    """One scale for the weight would lose its small channels."""
    path = apply_int8(network, samples, tmp_path / "work", skip=[left])
    assert list(rewritten(onnx.load(path).graph)) == []
    found = onnxruntime.InferenceSession(path).run(None, {"image": IMAGES})[0]
    model = network / "model.onnx"
    wanted = onnxruntime.InferenceSession(model).run(None, {"image": IMAGES})[0]
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


@pytest.mark.parametrize("shape", [(None, 16), (None, 5, 16)])
def test_a_product_and_a_sum_do_not_become_one_of_integers(
    shape: tuple[int | None, ...], tmp_path: Path
) -> None:
    """ONNX Runtime makes a Gemm of them, and then 8-bit weights."""
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["m0"]),
        helper.make_node("Relu", ["m0"], ["r0"]),
        helper.make_node("MatMul", ["r0", "w1"], ["m1"]),
        helper.make_node("Add", ["m1", "b1"], ["a1"]),
        helper.make_node("Relu", ["a1"], ["r1"]),
        helper.make_node("MatMul", ["r1", "w2"], ["y"]),
    ]
    specs = ([("x", "float32", shape)], [("y", "float32", (*shape[:-1], 8))])
    weights = {"w0": weight(16, 16), "w1": weight(16, 12), "b1": weight(12), "w2": weight(12, 8)}
    model = write_model(tmp_path / "model", nodes, *specs, **weights)
    x = RANDOM.normal(size=(9, *[size for size in shape if size])).astype(np.float32)
    given = write_samples(tmp_path / "s", x=x)
    path = apply_int8(model, given, tmp_path / "work", skip=["MatMul_1", "Add_0"])
    found = loaded(path, tmp_path / "loaded.onnx")
    assert found["QLinearMatMul"] == 2
    assert not found["QGemm"]
    assert list(rewritten(onnx.load(path).graph)) == []


def test_weights_of_a_network_trained_with_fake_quantization_stay_float32(tmp_path: Path) -> None:
    """TensorFlow's fake quantization is integers in ONNX, and a transposition stands behind it."""
    import tensorflow as tf

    kernel, second = weight(3, 3, 4, 6), weight(1, 1, 6, 5)

    def network(image: Any) -> dict[str, Any]:
        fake = tf.quantization.fake_quant_with_min_max_args
        hidden = tf.nn.relu(tf.nn.conv2d(fake(image, 0, 1), kernel, 1, "SAME"))
        return {"y": fake(tf.nn.conv2d(fake(hidden, 0, 4), second, 1, "SAME"), -4, 4)}

    inputs = [TensorSpec("image", "float32", (None, 8, 8, 4))]
    frozen = freeze(network, inputs, tmp_path / "frozen")
    (tmp_path / "onnx").mkdir()
    fmt.convert({"frozen": frozen}, fmt.ConvertOptions(), tmp_path / "onnx")
    path = tmp_path / "onnx" / "model.onnx"
    found = loaded(path, tmp_path / "loaded.onnx")
    assert found["QuantizeLinear"] > 1
    assert not found["QLinearConv"]
    model = onnx.load(path)
    assert portable.describe(model, tmp_path) == portable.NONE
    images = IMAGES.transpose(0, 2, 3, 1)
    wanted = tensorflow_outputs(frozen, {"image": images})["y"]
    values = onnxruntime.InferenceSession(path).run(None, {"image": images})[0]
    # A value near a half may go to either side of it.
    assert np.abs(values - wanted).mean() < 0.1 * 8 / 255
    # As a file that was made otherwise has it: found, where the runtime would.
    decoders = [n for n in model.graph.node if n.op_type == "DequantizeLinear"]
    scales = {n.input[1]: 0.1 for n in decoders} | {n.input[2]: 0 for n in decoders}
    for tensor in model.graph.initializer:
        if tensor.name in scales:
            kind = numpy_helper.to_array(tensor).dtype
            tensor.CopyFrom(
                numpy_helper.from_array(np.array(scales[tensor.name], kind), tensor.name)
            )
    assert not portable.describe(model, tmp_path)["portable"]
