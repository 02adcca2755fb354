"""Models whose numbers leave float16's range in between, and one that stays within."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.tensors.signature import TensorSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from frozen_models import freeze

INPUT = TensorSpec("x", "float32", (None, 16))


def samples(count: int = 12) -> dict[str, np.ndarray[Any, Any]]:
    return {"x": np.random.default_rng(1).normal(size=(count, 16)).astype(np.float32)}


def norm_of_large(h: Any) -> Any:
    """The root of a sum of squares: nodes up to 1e7, the result up to 1e3."""
    import tensorflow as tf

    squares = tf.multiply(h * 300.0, h * 300.0, name="squares")
    return tf.sqrt(tf.reduce_sum(squares, axis=1, keepdims=True)) / 100.0 + h


def norm_of_small(h: Any) -> Any:
    """The same of small numbers: squares below 1e-8."""
    import tensorflow as tf

    squares = tf.multiply(h * 1e-5, h * 1e-5, name="squares")
    return tf.sqrt(tf.reduce_sum(squares, axis=1, keepdims=True)) * 1e5 + 0.1 * h


def plain(h: Any) -> Any:
    """Numbers near 1."""
    import tensorflow as tf

    return tf.tanh(h)


def frozen(body: Callable[[Any], Any], folder: Path) -> Path:
    """A layer, ``body``, and a layer: [n, 16] -> [n, 8]."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    first, last = (
        tf.constant(random.normal(0, 0.3, shape).astype(np.float32)) for shape in ((16, 8), (8, 8))
    )

    def model(x: Any) -> dict[str, Any]:
        return {"y": tf.matmul(body(tf.nn.relu(tf.matmul(x, first))), last)}

    return freeze(model, [INPUT], folder)
