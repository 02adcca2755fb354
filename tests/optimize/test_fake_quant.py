"""Ranges that training finds for activations are those that ONNX quantizes with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trainable

from pipeline.base.options import NoOptions
from pipeline.export import freeze
from pipeline.export import onnx as fmt
from pipeline.graphs import activations
from pipeline.optimize import int8, qat
from pipeline.optimize.training import fake_quant
from pipeline.validate import portable

#: What runtimes keep in eight bits; the batch norms that are folded, by what they go into.
LAYERS = {
    *("first_relu", "relu", "kept", "kept_norm", "middle_relu", "read_twice", "read_twice_norm"),
    *("add", "mean", "inner/dense", "logits"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``source``; ``qat``, trained in 8 bits; ``frozen``, ``onnx`` and ``int8`` made of that."""
    root = tmp_path_factory.mktemp("int8")
    inputs = trainable.write(root, trainable.trained())
    for name in ("qat", "frozen", "onnx", "int8"):
        (root / name).mkdir()
    options = qat.Options(activations="int8", finetune_epochs=6, batch_size=20)
    qat.apply(inputs, options, root / "qat")
    freeze.freeze({"source": root / "qat"}, NoOptions(), root / "frozen")
    fmt.convert({"frozen": root / "frozen"}, fmt.ConvertOptions(), root / "onnx")
    given = {"model": root / "onnx", "samples": root / "samples"}
    int8.apply(given, int8.Options(), root / "int8")
    return root


def test_each_result_that_stays_in_eight_bits_has_a_range(root: Path) -> None:
    found = activations.read(root / "qat")
    assert set(found) == LAYERS
    assert all(low <= 0 < high for low, high in found.values())
    assert found["relu"][0] == 0
    assert 1 < found["relu"][1] <= 6


def test_ranges_are_those_of_the_layers_results(root: Path) -> None:
    import tf_keras

    model = trainable.load(root / "qat")
    inputs, _ = trainable.images(200)
    for name in ("relu", "mean", "add"):
        part = tf_keras.Model(model.input, model.get_layer(name).output)
        values = part(inputs).numpy()
        low, high = activations.read(root / "qat")[name]
        assert 0.5 * values.max() < high < 1.5 * values.max()
        assert low >= 1.5 * min(values.min(), 0)


def test_onnx_quantizes_with_them(root: Path) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(root / "int8" / "model.onnx")
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    scales = [float(constants[node.input[1]]) for node in nodes]
    ranges = activations.read(root / "qat")
    for name in LAYERS:
        low, high = ranges[name]
        assert np.isclose(scales, (high - low) / 255, rtol=1e-5).any(), name


def test_int8_keeps_the_weights_that_were_trained(root: Path) -> None:
    """They are within what no processor cuts off, so that none is rounded anew."""
    import onnx
    from onnx import numpy_helper

    trained = onnx.load(root / "onnx" / "model.onnx").graph.initializer
    known = [np.unique(np.abs(numpy_helper.to_array(t))) for t in trained if len(t.dims) > 1]
    model = onnx.load(root / "int8" / "model.onnx")
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    decoders = [n for n in model.graph.node if n.op_type == "DequantizeLinear"]
    weights = [n for n in decoders if n.input[0] in arrays and arrays[n.input[0]].ndim > 1]
    for node in weights:
        axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
        channels = np.moveaxis(arrays[node.input[0]], axis, -1)
        values = np.unique(np.abs(channels * arrays[node.input[1]]))
        assert any(np.array_equal(values, other) for other in known)
    assert len(weights) > 3
    assert max(np.abs(arrays[n.input[0]].astype(int)).max() for n in weights) > 50
    assert portable.describe(model, root)["portable"]


def test_onnx_finds_what_the_trained_model_finds(root: Path) -> None:
    import onnxruntime

    inputs, labels = trainable.images(400, 9)
    session = onnxruntime.InferenceSession(root / "int8" / "model.onnx")
    (scores,) = session.run(None, {"image": inputs})
    expected = trainable.load(root / "qat")(inputs).numpy()
    assert (scores.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.9
    assert (scores.argmax(axis=1) == labels).mean() > 0.6


def test_a_wrapped_model_computes_with_few_values() -> None:
    model: Any = trainable.model()
    wrapped, wrappers = fake_quant.wrap_in_fake_quant(model)
    inputs, _ = trainable.images(50)
    for _ in range(3):
        wrapped(inputs, training=True)
    import tf_keras

    part = tf_keras.Model(wrapped.input, wrapped.get_layer("quantized_relu").output)
    values = np.unique(part(inputs).numpy())
    assert 10 < len(values) <= 256
    step = float(wrappers["relu"].high) / 255
    np.testing.assert_allclose(values / step, np.rint(values / step), atol=1e-3)
