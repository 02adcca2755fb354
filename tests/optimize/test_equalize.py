from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import frozen_chains as chains
import numpy as np
import pytest

from pipeline.artifacts.frozen import Frozen
from pipeline.export import freeze
from pipeline.graphs.tensorflow.layers import layers
from pipeline.graphs.tensorflow.network import Network
from pipeline.optimize import equalize


def prelu(x: Any) -> Any:
    """As Keras writes it."""
    import tensorflow as tf

    slopes = tf.constant(np.linspace(0.1, 0.5, x.shape[-1]).astype(np.float32))
    return tf.nn.relu(x) + -slopes * tf.nn.relu(-x)


def leaky(x: Any) -> Any:
    import tensorflow as tf

    return tf.nn.leaky_relu(x, 0.3)


def relu(x: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(x)


def relu6(x: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu6(x)


def equalized(frozen: Path, work: Path) -> dict[str, Any]:
    work.mkdir()
    equalize.apply({"frozen": frozen, "samples": work}, equalize.Options(), work)
    told: dict[str, Any] = json.loads((work / "equalize.json").read_text())["layers"]
    return told


def answers(folder: Path) -> np.ndarray[Any, Any]:
    return freeze.run(folder, {"image": chains.images(4)})["y"]


def unevenness(folder: Path) -> float:
    """How far the ranges of channels differ within a layer's weights: squared octaves, in the
    mean over layers, of the channels made and of those read."""
    network = Network.read(Frozen(folder))
    spreads = []
    for layer in layers(network):
        weights = abs(layer.weights(network))
        made = weights.max(axis=1).ravel()
        read = made
        if layer.kind != "depthwise":
            read = weights.reshape(-1, layer.reads(network), weights.shape[2]).max(axis=(0, 2))
        spreads.append(np.log2(made).var() + np.log2(read).var())
    return float(np.mean(spreads))


@pytest.mark.parametrize("activation", [relu, leaky, prelu])
def test_the_function_stays_exactly_and_ranges_come_closer(activation: Any, tmp_path: Path) -> None:
    frozen = chains.chain(tmp_path / "frozen", activation)
    told = equalized(frozen, tmp_path / "even")
    assert len(told) == 5
    # TensorFlow may sum in another order, but no factor is rounded.
    np.testing.assert_allclose(answers(tmp_path / "even"), answers(frozen), rtol=1e-6, atol=1e-6)
    assert unevenness(tmp_path / "even") < 0.7 * unevenness(frozen)


def test_branches_are_scaled_together(tmp_path: Path) -> None:
    frozen = chains.branches(tmp_path / "frozen")
    told = equalized(frozen, tmp_path / "even")
    # What a sigmoid reads and what is returned stay; all other channels may move.
    assert len(told) == 7
    np.testing.assert_allclose(answers(tmp_path / "even"), answers(frozen), rtol=1e-6, atol=1e-6)


def test_what_an_activation_bounds_is_left_alone(tmp_path: Path) -> None:
    frozen = chains.chain(tmp_path / "frozen", relu6)
    assert equalized(frozen, tmp_path / "even") == {}
    before, after = (Network.read(Frozen(folder)) for folder in (frozen, tmp_path / "even"))
    for one, other in zip(layers(before), layers(after), strict=True):
        np.testing.assert_array_equal(one.weights(before), other.weights(after))


def test_batch_norms_are_folded_first(tmp_path: Path) -> None:
    import frozen_models

    frozen = frozen_models.mobilenet(tmp_path / "frozen")
    equalized(frozen, tmp_path / "even")
    graph = Network.read(Frozen(tmp_path / "even")).graph_def
    assert not {"Mul", "Sub", "AddV2", "FusedBatchNormV3"} & {node.op for node in graph.node}
    feeds = {"image": np.random.default_rng(0).normal(0, 1, (4, 16, 16, 3)).astype(np.float32)}
    before, after = (freeze.run(f, feeds)["probabilities"] for f in (frozen, tmp_path / "even"))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    frozen = chains.branches(tmp_path / "frozen")
    for name in ("one", "two"):
        equalized(frozen, tmp_path / name)
    for file in ("frozen.pb", "equalize.json", "signature.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_int8_loses_less_of_an_equalized_network(tmp_path: Path) -> None:
    """Activations have one scale for all channels: that is where equalization pays in ONNX."""
    from safetensors.numpy import save_file

    from pipeline.export import onnx as fmt
    from pipeline.optimize import int8

    frozen = chains.chain(tmp_path / "frozen", relu)
    equalized(frozen, tmp_path / "even")
    (tmp_path / "samples" / "calibration").mkdir(parents=True)
    given = {"image": chains.images(16, seed=5)}
    save_file(given, tmp_path / "samples" / "calibration" / "inputs.safetensors")
    errors = []
    for name in ("frozen", "even"):
        for step in ("onnx", "int8"):
            (tmp_path / name / step).mkdir()
        converted, quantized = tmp_path / name / "onnx", tmp_path / name / "int8"
        fmt.convert({"frozen": tmp_path / name}, fmt.ConvertOptions(), converted)
        inputs = {"model": converted, "samples": tmp_path / "samples"}
        # All 8 bits of weights, and exact sums, so that activations are what is lost.
        int8.apply(inputs, int8.Options(portable=False), quantized)
        errors.append(abs(_run(quantized) - answers(frozen)).mean())
    assert errors[1] < errors[0] / 2


def _run(folder: Path) -> Any:
    from saturating import run

    return run(folder / "model.onnx", saturates=False, image=chains.images(4))[0]
