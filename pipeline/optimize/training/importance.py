"""How much a channel matters. Not a technique itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.keras.channel_groups import Groups
    from pipeline.optimize.training.examples import Examples

#: Samples of one gradient.
BATCH = 32


def folded_norms(layer: Any, norm: Any = None) -> Array:
    """How much each output channel of a convolution or dense layer can give, [channels].

    The sum of the absolute weights that make it (Li et al. 2017, arXiv:1608.08710), as they are
    once the batch norm behind it is folded in.

    Args:
        layer: with ``kernel``, whose last axis are output channels.
        norm: a batch norm that reads nothing else, or ``None``.
    """
    sums: Array = np.abs(layer.kernel.numpy()).sum(axis=tuple(range(layer.kernel.shape.rank - 1)))
    return sums if norm is None else sums * norm_scale(norm)


def norm_scale(norm: Any) -> Array:
    """By what a batch norm multiplies each channel, without its sign."""
    gamma = np.ones(()) if norm.gamma is None else np.abs(norm.gamma.numpy())
    scale: Array = gamma / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return scale


def of_groups(groups: Groups, scores: dict[str, Array], *, alike: bool) -> dict[int, Array]:
    """How much each channel of each group that may shrink matters.

    Args:
        groups: a model's channels.
        scores: layer -> the score of each channel that it makes or carries.
        alike: count every layer alike, however large its scores are: those of weights say nothing
            of another layer's.
    """
    by_group: dict[int, Array] = {}
    layouts = {name: (space,) for name, space in groups.makers.items()} | groups.carriers
    free = groups.free()
    for name, values in scores.items():
        for root, part in groups.parts(layouts[name], values):
            if root in free and part.any():
                by_group[root] = by_group.get(root, 0.0) + (part / part.mean() if alike else part)
    return {root: values / values.mean() if alike else values for root, values in by_group.items()}


def magnitudes(model: Any, groups: Groups) -> dict[str, Array]:
    """Layer that makes channels -> how much each of them can give."""
    return {
        name: folded_norms(model.get_layer(name), groups.norms.get(name)) for name in groups.makers
    }


def norm_scales(model: Any, groups: Groups) -> dict[str, Array]:
    """Batch norm -> the size of its factor for each channel (Liu et al. 2017, "Network Slimming",
    arXiv:1708.06519); layers that make channels without such a factor count by their weights."""
    behind = groups.norms.values()
    scales = {norm.name: np.abs(norm.gamma.numpy()) for norm in behind if norm.gamma is not None}
    weighed = magnitudes(model, groups)
    return scales | {
        name: weighed[name]
        for name in groups.makers
        if name not in groups.norms or groups.norms[name].name not in scales
    }


def taylor(model: Any, groups: Groups, examples: Examples) -> dict[str, Array]:
    """Layer -> by how much the loss would change without each channel, to first order.

    Molchanov et al. 2019 (arXiv:1906.10771): the square of gradient times weight, summed over
    batches; of the batch norm behind a layer, where there is one with weights, else of the layer
    itself. The losses of a model's outputs are added up.
    """
    import tensorflow as tf

    from pipeline.optimize.training.losses import losses

    judged = dict(
        _judging_weights(model.get_layer(name), groups.norms.get(name)) for name in groups.makers
    )
    terms = losses(model, examples)
    scores: dict[str, Array] = {}
    for start in range(0, len(examples), BATCH):
        batch = examples.rows(np.arange(start, min(start + BATCH, len(examples))))
        with tf.GradientTape() as tape:
            tape.watch(judged)  # those of frozen layers too
            answers = tf.nest.flatten(model(list(batch.inputs), training=False))
            pairs = zip(terms, batch.targets, answers, strict=True)
            value = sum(tf.reduce_mean(loss(target, answer)) for loss, target, answer in pairs)
        # What no output depends on matters nothing.
        slopes = tape.gradient(value, judged, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        for name, weights in judged.items():
            products = [
                (weight * slope).numpy().reshape(-1, weight.shape[-1]).sum(axis=0)
                for weight, slope in zip(weights, slopes[name], strict=True)
            ]
            scores[name] = scores.get(name, 0.0) + sum(products) ** 2
    return scores


def _judging_weights(maker: Any, norm: Any) -> tuple[str, list[Any]]:
    """The layer by whose weights the channels of one are judged, and these weights."""
    for layer, names in ((norm, ("gamma", "beta")), (maker, ("kernel", "bias"))):
        candidates = [getattr(layer, name, None) for name in names]
        weights = [weight for weight in candidates if weight is not None]
        if weights:
            return layer.name, weights
    raise TypeError(f"{maker.name} has no weights")
