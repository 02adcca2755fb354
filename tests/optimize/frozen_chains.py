"""Small frozen graphs whose channels span wide ranges, with all that may lie between two layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from frozen_models import freeze

from pipeline.tensors.signature import TensorSpec

Array = np.ndarray[Any, Any]
Activation = Callable[[Any], Any]


class Weights:
    """Seeded constants; ``wide`` ones have output channels from small to large."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = np.random.default_rng(seed)

    def plain(self, *shape: int) -> Array:
        size = self._chance.normal(0, 1, shape) / np.sqrt(np.prod(shape[:-1]))
        return size.astype(np.float32)

    def wide(self, *shape: int, axis: int = -1) -> Array:
        along = [1] * len(shape)
        along[axis] = -1
        factors = np.exp(self._chance.uniform(-2.5, 2.5, shape[axis])).reshape(along)
        return (self.plain(*shape) * factors).astype(np.float32)

    def conv(self, x: Any, kernel: int, channels: int) -> Any:
        import tensorflow as tf

        weights = self.wide(kernel, kernel, x.shape[-1], channels)
        return tf.nn.bias_add(tf.nn.conv2d(x, weights, 1, "SAME"), self.plain(channels))

    def depthwise(self, x: Any, padding: str = "SAME") -> Any:
        import tensorflow as tf

        weights = self.wide(3, 3, x.shape[-1], 1, axis=2)
        moved = tf.nn.depthwise_conv2d(x, weights, [1, 1, 1, 1], padding)
        return tf.nn.bias_add(moved, self.plain(x.shape[-1]))

    def dense(self, x: Any, channels: int) -> Any:
        import tensorflow as tf

        product = tf.matmul(x, self.plain(x.shape[-1], channels))
        return tf.nn.bias_add(product, self.plain(channels))


def chain(folder: Path, activation: Activation) -> Path:
    """conv, depthwise, padded depthwise, conv, pooled conv, flattened dense."""
    import tensorflow as tf

    w = Weights()

    def model(image: Any) -> dict[str, Any]:
        x = activation(w.conv(image, 3, 8))
        x = activation(w.depthwise(x))
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = activation(w.depthwise(x, "VALID"))
        x = tf.nn.max_pool2d(activation(w.conv(x, 1, 12)), 2, 2, "VALID")
        x = tf.reshape(activation(w.conv(x, 3, 6)), [-1, 4 * 4 * 6])
        return {"y": w.dense(x, 5)}

    return freeze(model, [TensorSpec("image", "float32", (None, 8, 8, 3))], folder)


def branches(folder: Path) -> Path:
    """A residual sum, channels behind one another, a gate and a mean."""
    import tensorflow as tf

    w = Weights(1)

    def model(image: Any) -> dict[str, Any]:
        x = w.conv(image, 3, 8)
        x = x + w.conv(tf.nn.relu(w.conv(x, 1, 16)), 1, 8)
        x = tf.concat([tf.nn.relu(w.conv(x, 1, 6)), tf.nn.leaky_relu(w.conv(x, 1, 4))], -1)
        pooled = tf.reduce_mean(x, [1, 2], keepdims=True)
        x = x * tf.sigmoid(w.conv(tf.nn.relu(w.conv(pooled, 1, 4)), 1, 10))
        return {"y": w.dense(tf.reduce_mean(w.conv(x, 1, 7), [1, 2]), 5)}

    return freeze(model, [TensorSpec("image", "float32", (None, 8, 8, 3))], folder)


def images(count: int, seed: int = 3) -> Array:
    """float32 [count, 8, 8, 3], with patches that differ between images."""
    chance = np.random.default_rng(seed)
    coarse = chance.normal(0, 1, (count, 2, 2, 3)).repeat(4, 1).repeat(4, 2)
    return (coarse + chance.normal(0, 0.3, (count, 8, 8, 3))).astype(np.float32)


def heads(folder: Path, scale: float) -> Path:
    """Two outputs of a shared layer: ``score`` as it is, and ``points`` times ``scale``."""
    import tensorflow as tf

    w = Weights(3)

    def model(image: Any) -> dict[str, Any]:
        x = tf.nn.relu(w.conv(image, 3, 8))
        points = tf.nn.relu(w.conv(x, 3, 16))
        score = tf.nn.relu(w.conv(x, 3, 16))
        means = [tf.reduce_mean(one, [1, 2]) for one in (points, score)]
        return {"points": w.dense(means[0], 40) * scale, "score": w.dense(means[1], 1)}

    return freeze(model, [TensorSpec("image", "float32", (None, 8, 8, 3))], folder)
