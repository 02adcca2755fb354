"""The second moments of what a layer's weights are multiplied with: its Hessian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.optimize.graph.layers import Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Of a layer's inputs in the network as it was (x) and as it is so far (z)."""

    mean: Array
    """E[x], [groups, inputs]."""
    mean_now: Array
    """E[z], [groups, inputs]."""
    square: Array
    """E[z z^T], around the mean where a bias can take it up; [groups, inputs, inputs]."""
    cross: Array
    """E[z x^T], likewise."""

    def damped(self, share: float) -> Moments:
        """With a share of the mean variance added to all variances.

        What samples never did in some direction is not taken to be impossible.
        """
        import numpy as np

        count = self.square.shape[1]
        level = np.einsum("gii->g", self.square) / count
        # A channel that is always zero must not make the matrix singular.
        level = share * np.maximum(level, max(float(level.max()), 1e-30) * 1e-6)
        more = level[:, None, None] * np.eye(count)
        return Moments(self.mean, self.mean_now, self.square + more, self.cross + more)


def moments(
    layer: Layer, was: Sequence[Any], now: Sequence[Any], shape: tuple[int, ...]
) -> Moments:
    """Of the batches that the layer reads before and now, and its weights' shape."""
    import numpy as np

    rows, totals = 0, [np.zeros(())] * 4
    for x, z in zip(was, now, strict=True):
        sums = _sums(_rows(layer, x, shape), _rows(layer, z, shape))
        totals = [a + b.numpy().astype(np.float64) for a, b in zip(totals, sums[1:], strict=True)]
        rows += sums[0]
    mean, mean_now, square, cross = (total / rows for total in totals)
    if layer.bias is not None:
        square = square - np.einsum("gi,gj->gij", mean_now, mean_now)
        cross = cross - np.einsum("gi,gj->gij", mean_now, mean)
    return Moments(mean, mean_now, square, cross)


def _sums(x: Any, z: Any) -> list[Any]:
    import tensorflow as tf

    return [
        int(x.shape[1]),
        tf.reduce_sum(x, 1),
        tf.reduce_sum(z, 1),
        tf.matmul(z, z, transpose_a=True),
        tf.matmul(z, x, transpose_a=True),
    ]


def _rows(layer: Layer, tensor: Any, shape: tuple[int, ...]) -> Any:
    """[groups, rows, inputs]: each row is what the weights are multiplied with at one place."""
    import tensorflow as tf

    if layer.kind == "dense":
        return tensor[None]
    height, width, channels = shape[0], shape[1], int(tensor.shape[3])
    attr = layer.node.attr
    windows = tf.image.extract_patches(
        tensor,
        [1, height, width, 1],
        list(attr["strides"].list.i),
        list(attr["dilations"].list.i) or [1, 1, 1, 1],
        attr["padding"].s.decode(),
    )
    if layer.kind == "conv":
        return tf.reshape(windows, [1, -1, height * width * channels])
    spread = tf.reshape(windows, [-1, height * width, channels])
    return tf.transpose(spread, [2, 0, 1])
