"""Tensors of more than four axes, which TF.js' WebGPU has few kernels for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact

from pipeline.backends.web.backends import BACKENDS
from pipeline.tensors.signature import TensorSpec

SHAPE = (None, 2, 3, 4, 2, 2)


def model(x: Any) -> dict[str, Any]:
    """Sums along axes and choices, of operands that are repeated along some."""
    import tensorflow as tf

    return {
        "sums": tf.cumsum(x, axis=3),
        "from_the_end": tf.cumsum(x, axis=-1, exclusive=True, reverse=True),
        "products": tf.math.cumprod(x, axis=1),
        "chosen": tf.where(x > 0, x, x * 2),
        "by_fewer": tf.where(x[:, :, :, :1, :1, :] > 0, x, 0.5),
        "by_means": tf.where(tf.reduce_sum(x, [1, 2], keepdims=True) > 0, x, -x),
    }


@pytest.mark.browser
def test_webgpu_computes_sums_and_choices_of_six_axes(tmp_path: Path) -> None:
    frozen = freeze(model, [TensorSpec("x", "float32", SHAPE)], tmp_path / "frozen")
    _, artifact = tfjs_artifact(frozen, tmp_path)
    x = np.random.default_rng(1).normal(size=(3, *SHAPE[1:])).astype(np.float32)
    wanted = run(frozen, {"x": x})
    with BACKENDS["tfjs-webgpu"].open_session(artifact, "chromium") as session:
        outputs = session.infer({"x": x})
    for name, values in wanted.items():
        np.testing.assert_allclose(outputs[name], values, atol=1e-5)
