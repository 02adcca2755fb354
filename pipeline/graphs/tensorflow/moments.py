"""The second moments of what a layer's weights are multiplied with: its Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.graphs.tensorflow.blocks import split_rows
from pipeline.graphs.tensorflow.layers import Layer
from pipeline.tensors.arrays import Float64s, np

#: A variance counts at least so much of the mean square: float32 activations show less of it.
LEAST = 1e-6

#: Of what a convolution's weights are multiplied with, so many bytes at once, or one sample's.
PATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class Moments:
    """Of a layer's inputs in the network as it was (x) and as it is so far (z).

    A wide layer's lie in ``blocks`` instead of groups.
    """

    mean: Float64s
    """E[x], [groups, inputs]."""
    mean_now: Float64s
    """E[z], [groups, inputs]."""
    square: Float64s
    """E[z z^T], around the mean where a bias can take it up; [groups, inputs, inputs]."""
    cross: Float64s
    """E[z x^T], likewise."""

    def damped(self, share: float) -> Moments:
        """With a share of the mean variance added to all variances.

        What samples never did in some direction is not taken to be impossible.
        """
        count = self.square.shape[1]
        level = np.einsum("gii->g", self.square) / count
        # An input that never varies must not make the matrix singular, nor a channel that is zero.
        level = np.maximum(level, (level + (self.mean_now**2).mean(axis=1)) * LEAST)
        level = share * np.maximum(level, max(float(level.max()), 1e-30) * LEAST)
        more = level[:, None, None] * np.eye(count)
        return Moments(self.mean, self.mean_now, self.square + more, self.cross + more)


def moments(
    layer: Layer, was: Sequence[Any], now: Sequence[Any], shape: tuple[int, ...]
) -> Moments:
    """Of the batches that the layer reads before and now, and its weights' shape.

    Raises:
        PipelineError: the layer reads values that are not finite.
    """
    rows, totals, about = 0, [np.zeros(())] * 4, None
    for x, z in _parts(layer, was, now, shape):
        both = split_rows(_rows(layer, x, shape)), split_rows(_rows(layer, z, shape))
        about = about or _centres(*both)
        sums = _sums(*both, *about)
        totals = [a + b.numpy().astype(np.float64) for a, b in zip(totals, sums, strict=True)]
        rows += int(both[0].shape[1])
    if about is None or not all(np.isfinite(total).all() for total in totals):
        raise PipelineError(
            f"a calibration sample makes values that are not finite, before {layer.name}",
            where="round",
            todo="check the samples and their preprocessing",
        )
    centres = [centre.numpy()[:, 0].astype(np.float64) for centre in about]
    return _around(centres, [total / rows for total in totals], whole=layer.bias is None)


def _around(centres: Sequence[Float64s], means: Sequence[Float64s], *, whole: bool) -> Moments:
    """Of the centres of x and z, and the means of what ``_sums`` sums; ``whole``: around zero."""
    x, z, square, cross = means
    mean, mean_now = centres[0] + x, centres[1] + z
    square = square - np.einsum("gi,gj->gij", z, z)
    cross = cross - np.einsum("gi,gj->gij", z, x)
    if whole:
        square = square + np.einsum("gi,gj->gij", mean_now, mean_now)
        cross = cross + np.einsum("gi,gj->gij", mean_now, mean)
    return Moments(mean, mean_now, square, cross)


def _centres(x: Any, z: Any) -> tuple[Any, Any]:
    """About where the values lie, [groups, 1, inputs] each.

    Squares of what is left cancel little when the mean's is taken from them.
    """
    import tensorflow as tf

    return tf.reduce_mean(x, 1, keepdims=True), tf.reduce_mean(z, 1, keepdims=True)


def _sums(x: Any, z: Any, about_x: Any, about_z: Any) -> list[Any]:
    import tensorflow as tf

    x, z = x - about_x, z - about_z
    return [
        tf.reduce_sum(x, 1),
        tf.reduce_sum(z, 1),
        tf.matmul(z, z, transpose_a=True),
        tf.matmul(z, x, transpose_a=True),
    ]


def _parts(
    layer: Layer, was: Sequence[Any], now: Sequence[Any], shape: tuple[int, ...]
) -> Iterator[tuple[Any, Any]]:
    """Batches of so few samples that a convolution's windows take ``PATCH_BYTES`` at most."""
    for x, z in zip(was, now, strict=True):
        most = int(x.shape[0])
        if layer.kind != "dense":
            strides = prod(layer.node.attr["strides"].list.i)
            window = shape[0] * shape[1] * 4
            most = max(1, PATCH_BYTES * strides // max(1, window * prod(x.shape[1:])))
        for start in range(0, int(x.shape[0]), most):
            yield x[start : start + most], z[start : start + most]


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
