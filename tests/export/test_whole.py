"""Whole numbers on TF.js' WebGPU, where one shader that does not compile takes others with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact

from pipeline.backends.web.backends import BACKENDS
from pipeline.tensors.signature import TensorSpec

#: More than TF.js computes on the CPU in place of the GPU.
SHAPE = (None, 20, 24)


def model(x: Any) -> dict[str, Any]:
    """Numbers of 0 to 7, and what is made of them along axes that are not the last."""
    import tensorflow as tf

    rows = x[:, :, 0]
    return {
        "hot": tf.one_hot(rows, 8),
        "any_hot": tf.reduce_max(tf.one_hot(rows, 8), 1),
        "occurs": tf.math.bincount(
            rows, minlength=8, maxlength=8, axis=-1, binary_output=True, dtype=tf.float32
        ),
        "counts": tf.math.bincount(rows, minlength=6, maxlength=6, axis=-1),
        "weighed": tf.math.bincount(rows, tf.cast(x[:, :, 1], tf.float32), 9, 9, axis=-1),
        "sums": tf.reduce_sum(x, 1),
        "average": tf.reduce_mean(tf.cast(x, tf.float32), [1], keepdims=True),
        "every": tf.reduce_all(x < 7, 1),
        "some": tf.reduce_any(x > 6, [1, 2]),
        "largest": tf.argmax(x, 1),
        "moved": tf.transpose(tf.cast(x, tf.float32), [0, 2, 1]) * 0.5,
        "moved_whole": tf.transpose(x, [0, 2, 1]),
        "summed": tf.cumsum(x, 1),
        "first_axis": tf.transpose(tf.cumsum(tf.cast(tf.transpose(rows), tf.float32) / 2, 0)),
        "from_end": tf.cumsum(x, 2, reverse=True),
        "from_end_of_fewer": tf.cumsum(x[:, :, :5], 2, reverse=True, exclusive=True),
    }


@pytest.mark.browser
def test_whole_numbers_are_right_whatever_is_computed_of_them(tmp_path: Path) -> None:
    frozen = freeze(model, [TensorSpec("x", "int32", SHAPE)], tmp_path / "frozen")
    _, artifact = tfjs_artifact(frozen, tmp_path)
    x = np.random.default_rng(0).integers(0, 8, (3, *SHAPE[1:])).astype(np.int32)
    wanted = run(frozen, {"x": x})
    for backend in ("tfjs-wasm", "tfjs-webgpu"):
        with BACKENDS[backend].open_session(artifact, "chromium") as session:
            outputs = session.infer({"x": x})
        for name, values in wanted.items():
            np.testing.assert_allclose(outputs[name], values, 1e-6, err_msg=f"{name}, {backend}")
