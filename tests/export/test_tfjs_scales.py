"""Kernels on a grid for each channel are stored as small numbers, and compute what they did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run
from plain_graph import MODULES, said_of

from pipeline.backends.tensorflow import BACKEND
from pipeline.base.options import NoOptions
from pipeline.export import tfjs_graph
from pipeline.tensors.signature import TensorSpec

in_tfjs = pytest.mark.skipif(
    not (MODULES / "@tensorflow/tfjs").is_dir() or shutil.which("node") is None,
    reason="needs Node and the packages of pipeline/backends/web (npm ci there)",
)

RANDOM = np.random.default_rng(0)
FEEDS = {"x": RANDOM.normal(size=(2, 12, 12, 16)).astype(np.float32)}


def kernel(*shape: int, axis: int) -> np.ndarray:
    """Small numbers times a scale for each channel of five significant bits."""
    numbers = RANDOM.integers(-3, 4, shape).astype(np.float32)
    scale = RANDOM.integers(16, 32, shape[axis]) * 2.0 ** RANDOM.integers(-9, -5, shape[axis])
    return numbers * scale.astype(np.float32).reshape([-1 if i == axis else 1 for i in range(4)])


def model(x: Any) -> dict[str, Any]:
    """Convolutions with each kind of activation, a depthwise one, one without a bias, a product."""
    import tensorflow as tf

    def bias(x: Any) -> Any:
        return tf.nn.bias_add(x, tf.constant(RANDOM.normal(size=x.shape[-1]).astype(np.float32)))

    x = tf.nn.relu6(bias(tf.nn.conv2d(x, kernel(1, 1, 16, 128, axis=3), 1, "SAME")))
    x = tf.nn.relu6(bias(tf.nn.depthwise_conv2d(x, kernel(3, 3, 128, 1, axis=2), [1] * 4, "SAME")))
    x = tf.nn.relu(bias(tf.nn.conv2d(x, kernel(1, 1, 128, 32, axis=3), 1, "SAME")))
    x = tf.nn.conv2d(x, kernel(1, 1, 32, 32, axis=3), 1, "SAME")
    x = tf.reduce_mean(tf.abs(x), [1, 2])
    x = tf.matmul(x, kernel(1, 1, 32, 40, axis=3)[0, 0])
    return {"y": tf.nn.softmax(bias(x))}


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scales")
    return freeze(model, [TensorSpec("x", "float32", (None, 12, 12, 16))], folder / "frozen")


@pytest.fixture(scope="module")
def converted(frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    tfjs_graph.convert({"frozen": frozen}, NoOptions(), folder)
    return folder


def package(converted: Path, work: Path, **codec_options: Any) -> dict[str, Any]:
    options = tfjs_graph.package.options_type(
        format="tfjs-graph",
        variant="v",
        shard_bytes=2**22,
        codec="uint8",
        codec_options=codec_options,
    )
    tfjs_graph.package({"model": converted}, options, work)
    entry = json.loads((work / "artifact.json").read_text())["entry"]
    manifest: dict[str, Any] = json.loads((work / entry).read_text())
    return manifest


def test_kept_kernels_are_small_numbers_and_results_stay(
    frozen: Path, converted: Path, tmp_path: Path
) -> None:
    found = package(converted, tmp_path, settled=True)
    (group,) = found["weightsManifest"]
    wide = [weight for weight in group["weights"] if sum(size > 1 for size in weight["shape"]) > 1]
    assert len(wide) == 5
    assert {weight["quantization"]["dtype"] for weight in wide} == {"uint8"}
    operators = [node["op"] for node in found["modelTopology"]["node"]]
    assert operators.count("Mul") == 5
    with BACKEND.open_session(tmp_path) as session:
        got = session.infer(FEEDS)["y"]
    # Only biases are rounded: they are shared out.
    np.testing.assert_allclose(got, run(frozen, FEEDS)["y"], atol=5e-3)


def test_other_weights_have_no_products(converted: Path, tmp_path: Path) -> None:
    found = package(converted, tmp_path)
    assert "Mul" not in [node["op"] for node in found["modelTopology"]["node"]]


@in_tfjs
@pytest.mark.parametrize("settled", [True, False])
def test_plain_tfjs_takes_inputs_in_every_way_and_leaks_nothing(
    frozen: Path, converted: Path, tmp_path: Path, settled: bool
) -> None:
    package(converted, tmp_path, **({"settled": True} if settled else {}))
    said = said_of(tmp_path, "x", FEEDS["x"], tmp_path)
    assert (said["backend"], said["leaked"], said["left"]) == ("wasm", 0, 0)
    assert len(said["results"]) == 6
    wanted = run(frozen, FEEDS)["y"].ravel()
    for way, result in said["results"].items():
        np.testing.assert_allclose(result, wanted, atol=5e-3 if settled else 0.05, err_msg=way)
