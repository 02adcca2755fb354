"""Layers of Keras 3 that tf_keras lacks, as layers that it has; TF.js has those as well."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from pipeline.sources.keras.activations import Function
from pipeline.tensors.arrays import Array, np

#: At inference these give back what they are given.
_AT_TRAINING = (
    *("AugMix", "CutMix", "Equalization", "MaxNumBoundingBoxes", "MixUp", "RandAugment"),
    *("RandomColorDegeneration", "RandomColorJitter", "RandomElasticTransform", "RandomErasing"),
    *("RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective"),
    *("RandomPosterization", "RandomSaturation", "RandomSharpness", "RandomShear", "Solarization"),
)


class NoTwinError(ValueError):
    """Nothing in tf_keras does the same, and why."""


def unwrap(operation: Any) -> Any:
    """The layer in a spectral norm: at inference its weights are normalized already."""
    return operation.layer if type(operation).__name__ == "SpectralNormalization" else operation


def set_behind(layer: Any, *weights: Array) -> Callable[..., Any]:
    """A layer that gets its weights once it is built."""

    def call(*args: Any, **kwargs: Any) -> Any:
        y = layer(*args, **kwargs)
        layer.set_weights(weights)
        return y

    return call


def _nothing(operation: Any) -> Function:
    import tf_keras

    layer: Function = tf_keras.layers.Activation("linear", name=operation.name)
    return layer


def _root_mean_square(operation: Any) -> Function:
    """``x / sqrt(mean(x²) + ε) * scale`` (Zhang & Sennrich 2019, arXiv:1910.07467).

    Of x and -x together the mean is 0 and the variance is the mean square.
    """
    import tf_keras

    layers, name, scale = tf_keras.layers, operation.name, np.asarray(operation.scale)
    if scale.ndim != 1 or operation.axis not in (-1, [-1]):
        raise NoTwinError("its axis is not the last one")
    gamma = np.stack([scale, np.zeros_like(scale)], -1)
    norm = layers.LayerNormalization([-2, -1], operation.epsilon, center=False, name=f"{name}_norm")
    half = layers.Dense(1, use_bias=False, name=f"{name}_half")

    def call(x: Any) -> Any:
        sizes = x.shape[1:]
        if None in sizes:
            raise NoTwinError("the size of its input is free")
        points = layers.Reshape((-1, sizes[-1], 1), name=f"{name}_points")(x)
        minus = layers.Rescaling(-1.0, name=f"{name}_minus")(points)
        pair = layers.Concatenate(name=f"{name}_pair")([points, minus])
        summed = set_behind(half, np.ones((2, 1)))(set_behind(norm, gamma)(pair))
        return layers.Reshape(sizes, name=name)(summed)

    return call


def _both_ways(operation: Any) -> Callable[..., Any]:
    """An embedding, and the product with its transpose."""
    import tf_keras

    embeddings = np.asarray(operation.embeddings)
    if operation.logit_soft_cap is not None:
        raise NoTwinError("it has a logit_soft_cap")
    back = embeddings.T if operation.tie_weights else np.asarray(operation.reverse_embeddings)
    embed = tf_keras.layers.Embedding(
        *embeddings.shape, mask_zero=operation.mask_zero, name=operation.name
    )
    dense = tf_keras.layers.Dense(back.shape[1], use_bias=False, name=f"{operation.name}_reverse")
    words, logits = set_behind(embed, embeddings), set_behind(dense, back)
    return lambda x, reverse=False: logits(x) if reverse else words(x)


def _adaptive(operation: Any) -> Function:
    """A pooling whose windows are all of one size, and as far apart."""
    import tf_keras

    kind = type(operation).__name__.removeprefix("Adaptive")

    def call(x: Any) -> Any:
        sizes = x.shape[1:-1]
        if operation.data_format != "channels_last" or None in sizes:
            raise NoTwinError("the size of its input is free, or channels come first")
        windows, strides = zip(*map(_window, sizes, operation.output_size), strict=True)
        layer = getattr(tf_keras.layers, kind)
        return layer(windows, strides, name=operation.name)(x)

    return call


def _window(size: int, count: int) -> tuple[int, int]:
    """The size of ``count`` windows that cover an axis, and their distance."""
    starts = [place * size // count for place in range(count)]
    ends = [-(-(place + 1) * size // count) for place in range(count)]
    sizes = {end - start for start, end in zip(starts, ends, strict=True)}
    distances = {after - before for before, after in pairwise(starts)} or set(sizes)
    if len(sizes) > 1 or len(distances) > 1:
        raise NoTwinError("its windows are of several sizes")
    return sizes.pop(), distances.pop()


def _grouped_heads(operation: Any) -> Callable[..., Any]:
    """Attention whose keys and values serve several queries: each is there that many times."""
    import tf_keras

    if operation.use_gate or operation.sliding_window is not None:
        raise NoTwinError("it has a gate or a sliding window")
    attention = tf_keras.layers.MultiHeadAttention(
        operation.num_query_heads,
        operation.head_dim,
        use_bias=operation.use_bias,
        dropout=operation.dropout,
        name=operation.name,
    )
    weights = operation._query_dense.get_weights()
    for dense in (operation._key_dense, operation._value_dense):
        # A kernel is [features, heads, size], a bias is [heads, size].
        weights += [np.repeat(w, operation.num_repeats, axis=-2) for w in dense.get_weights()]
    return set_behind(attention, *weights, *operation._output_dense.get_weights())


COMPOSED_LAYERS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    **dict.fromkeys(_AT_TRAINING, _nothing),
    **{
        f"Adaptive{how}Pooling{rank}D": _adaptive
        for how in ("Average", "Max")
        for rank in (1, 2, 3)
    },
    "GroupedQueryAttention": _grouped_heads,
    "RMSNormalization": _root_mean_square,
    "ReversibleEmbedding": _both_ways,
}
"""Class -> ``operation``, a built layer -> what does the same in tf_keras.

Both raise NoTwinError where nothing does.
"""
