"""Weights in blocks of 4-bit integers: what they become, and that runtimes decode them so."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.base.errors import PipelineError
from pipeline.export import onnx as onnx_format
from pipeline.export.onnx import weights
from pipeline.optimize import int4
from pipeline.weights.codec import Weight, decode

RANDOM = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("shape", "axis"), [((64, 96), 1), ((100, 8), 0), ((8, 70, 3, 3), 1)])
def test_each_block_has_a_scale_that_fits_it(shape, axis):
    given = values(*shape) * np.exp(values(*shape[:1], *[1] * (len(shape) - 1)))
    encoded = int4.in_blocks(given, axis, 32)
    assert encoded.scale.shape[axis] == -(-shape[axis] // 32)
    assert np.abs(encoded.data).max() == 7
    error = decode(encoded, None) - given
    assert 10 * np.log10(np.mean(error**2) / np.mean(given**2)) < -17


def test_zeros_stay_zero_and_empty_blocks_are_no_fault():
    given = values(4, 128)
    given[:, ::2] = 0
    given[1, 32:96] = 0
    found = decode(int4.in_blocks(given, 1, 32), None)
    assert not found[given == 0].any()
    assert np.isfinite(found).all()


def test_only_tensors_of_many_input_channels_have_blocks():
    kinds = [
        Weight(values(32, 64, 1, 1), 0, (0, 1)),
        Weight(values(64, 1, 3, 3), 0, (0, 1)),
        Weight(values(256, 10), 1, (0, 1)),
        Weight(values(64), bias=True),
    ]
    pointwise, depthwise, dense, bias = int4.encode_all(kinds)
    assert pointwise.scale.shape == (32, 2, 1, 1)
    assert depthwise.block is None
    assert depthwise.data.dtype == np.uint8
    assert dense.scale.shape == (8, 10)
    assert bias is None


def test_what_lies_on_a_grid_is_left_there():
    given = RANDOM.integers(-60, 61, (32, 64)).astype(np.float32) * np.float32(0.013)
    (encoded,) = int4.encode_all([Weight(given, 0, (0, 1))])
    np.testing.assert_array_equal(decode(encoded, 0), given)


def model(opset: int) -> onnx.ModelProto:
    """A convolution and a matrix product whose input channels fill no whole number of blocks."""
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["conv"]),
        helper.make_node("GlobalAveragePool", ["conv"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["y"]),
    ]
    tensors = [
        numpy_helper.from_array(values(70, 50, 3, 3), "kernel"),
        numpy_helper.from_array(values(70, 33), "matrix"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 50, 9, 9])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 33])
    graph = helper.make_graph(nodes, "blocks", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def run(one: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    settings = onnxruntime.SessionOptions()
    # Full precision; by default it rounds what 4-bit matrices are multiplied with to 8 bits.
    settings.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
    session = onnxruntime.InferenceSession(
        one.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def test_onnxruntime_decodes_blocks_to_what_they_say():
    encoded, wanted = model(21), onnx.ModelProto()
    wanted.CopyFrom(encoded)
    for tensor, axis in zip(wanted.graph.initializer, (1, 0), strict=True):
        rounded = decode(int4.in_blocks(numpy_helper.to_array(tensor), axis, 32), None)
        tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    weights.encode(encoded, "int4", {})
    onnx.checker.check_model(encoded)
    types = [tensor.data_type for tensor in encoded.graph.initializer]
    assert types.count(TensorProto.INT4) == 2
    x = values(1, 50, 9, 9)
    np.testing.assert_allclose(run(encoded, x), run(wanted, x), rtol=1e-4, atol=1e-4)


def test_an_old_opset_is_refused_with_what_to_do():
    with pytest.raises(PipelineError, match="int4 weights since opset 21, and this is 17") as error:
        weights.encode(model(17), "int4", {})
    assert error.value.todo == "set export.onnx.opset: 21"
    reason = onnx_format.cannot_hold("int4", onnx_format.Options())
    assert reason == (
        "ONNX has int4 weights since opset 21, and the opset here is 17; set export.onnx.opset: 21"
    )
    assert onnx_format.cannot_hold("int4", onnx_format.Options(opset=21)) is None
