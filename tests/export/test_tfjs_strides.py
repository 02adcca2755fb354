"""Strides over the kernel, which TF.js' wasm backend computes as zeros where padding is SAME."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact
from nightly import nightly
from plain_graph import said_of
from test_tfjs_scales import in_tfjs

from pipeline.tensors.signature import TensorSpec

RANDOM = np.random.default_rng(5)

#: Kernel and strides: the last windows of images of 8 x 11 to 12 x 13 fall short of some of them.
KERNELS = [((1, 1), 3), ((2, 2), 3), ((2, 2), 4), ((3, 3), 4), ((3, 3), 5), ((4, 2), 3)]


def weights(*shape: int) -> Any:
    import tensorflow as tf

    return tf.constant(RANDOM.normal(0, 1, shape).astype(np.float32))


def model(x: Any) -> dict[str, Any]:
    """Every convolution and pooling of every kernel, one behind the other."""
    import tensorflow as tf

    results = []
    for kernel, stride in KERNELS:
        strides = [1, stride, stride, 1]
        results += [
            tf.nn.relu(tf.nn.conv2d(x, weights(*kernel, 2, 3), stride, "SAME") + weights(3)),
            tf.nn.depthwise_conv2d(x, weights(*kernel, 2, 2), strides, "SAME"),
            tf.nn.max_pool2d(x, kernel, stride, "SAME"),
            tf.nn.avg_pool2d(x, kernel, stride, "SAME"),
        ]
    return {"y": tf.concat([tf.reshape(result, [-1]) for result in results], 0)}


@in_tfjs
@pytest.mark.parametrize(
    ("size", "free"),
    [
        *(((8, 11), False), ((12, 13), True)),
        *(nightly((8, 11), True), nightly((12, 13), False)),
    ],
)
def test_wasm_computes_what_tensorflow_does(
    size: tuple[int, int], free: bool, tmp_path: Path
) -> None:
    shape = (1, None, None, 2) if free else (1, *size, 2)
    frozen = freeze(model, [TensorSpec("x", "float32", shape)], tmp_path / "frozen")
    x = RANDOM.normal(0, 1, (1, *size, 2)).astype(np.float32)
    _, artifact = tfjs_artifact(frozen, tmp_path)
    said = said_of(artifact, "x", x, tmp_path)
    assert said["backend"] == "wasm"
    wanted = run(frozen, {"x": x})["y"]
    np.testing.assert_allclose(said["results"]["execute"], wanted, atol=1e-5)
