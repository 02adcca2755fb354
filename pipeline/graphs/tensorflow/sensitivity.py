"""How much a network's outputs change with the results of each of its layers, by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.graphs.tensorflow.layers import Layer
from pipeline.graphs.tensorflow.network import Network
from pipeline.graphs.tensorflow.stages import batches, target
from pipeline.measures.parity import variation
from pipeline.tensors.arrays import Array, Float64s, np
from pipeline.tensors.pruned import prune, wrap

#: Random mixtures of the outputs whose gradients are taken, for each batch.
PROBES = 4

#: A channel counts at least so much of its layer's mean: samples show little of some channels.
LEAST = 1e-3


def sensitivities(
    network: Network, layers: Sequence[Layer], inputs: Mapping[str, Any]
) -> list[Float64s]:
    """The mean square gradient of the outputs by each layer's result, [channels] each.

    Summed over the places of a channel and over all outputs, each as a share of what it varies by:
    scores of 0 to 1 count as much as points in pixels do. A random mixture of the outputs has, in
    the mean, the gradient energy of all of them (Hutchinson 1990, doi 10.1080/03610919008812866).
    """
    outputs, energies = _functions(network, layers)
    chance = np.random.default_rng(0)
    total = [np.zeros(layer.channels(network)) for layer in layers]
    fed = [
        [inputs[spec.name][rows] for spec in network.signature.inputs]
        for rows in batches(network, inputs)
    ]
    values = [outputs(batch) for batch in fed]
    scales = _scales(list(zip(*values, strict=True)))
    for batch, given in zip(fed, values, strict=True):
        for _ in range(PROBES):
            probes = [
                scale * chance.standard_normal(value.shape, np.float32)
                for scale, value in zip(scales, given, strict=True)
            ]
            added = energies(batch, probes)
            total = [a + b.numpy() for a, b in zip(total, added, strict=True)]
    return [_bound(value) for value in total]


def _scales(outputs: Sequence[Sequence[Array]]) -> list[np.float32]:
    """One over what each output varies by, all its elements together, as a share of the largest.

    Args:
        outputs: of each, the values by batch, [n, …].
    """
    sizes = [_size(values) for values in outputs]
    least = min((size for size in sizes if size), default=1.0)
    # What is always zero has no scale, and no sensitivity either.
    return [np.float32(least / size if size else 1.0) for size in sizes]


def _size(values: Sequence[Array]) -> float:
    lengths = {value.size // max(len(value), 1) for value in map(np.atleast_1d, values)}
    # Where shapes differ by sample, each element is one of the same.
    length = lengths.pop() if len(lengths) == 1 else 1
    rows = np.concatenate([value.reshape(-1, length) for value in values]).astype(np.float64)
    elements = sum(value.size for value in values) / len(values)
    return variation(rows) * float(np.sqrt(elements))


def _bound(energy: Float64s) -> Float64s:
    mean = float(energy.mean())
    # No gradient reaches a layer that only decides (an argmax): all its channels count alike.
    return np.maximum(energy, LEAST * mean) if mean > 0 else np.ones_like(energy)


def _functions(
    network: Network, layers: Sequence[Layer]
) -> tuple[Callable[[Sequence[Array]], list[Array]], Callable[..., list[Any]]]:
    """From a batch to the outputs that are numbers, and from it and a probe of each to energies."""
    import tensorflow as tf

    wrapped = wrap(network.graph_def)
    tensors = wrapped.graph.get_tensor_by_name
    feeds = [tensors(f"{spec.name}:0") for spec in network.signature.inputs]
    ends = [tensors(target(spec, network)) for spec in network.signature.outputs]
    ends = [end for end in ends if end.dtype.is_floating]
    with wrapped.graph.as_default():
        probes = [tf.compat.v1.placeholder(end.dtype, end.shape) for end in ends]
        results = [tensors(f"{layer.output}:0") for layer in layers]
        gradients = _gradients(ends, results, probes)
        sums = [_energy(g, r.shape[-1]) for g, r in zip(gradients, results, strict=True)]
    values, both = prune(wrapped, feeds, ends), prune(wrapped, [*feeds, *probes], sums)

    def outputs(batch: Sequence[Array]) -> list[Array]:
        return [value.numpy() for value in values(*map(tf.constant, batch))]

    def energies(batch: Sequence[Array], probes: Sequence[Array]) -> list[Any]:
        sums: list[Any] = both(*map(tf.constant, batch), *map(tf.constant, probes))
        return sums

    return outputs, energies


def _gradients(ends: list[Any], results: list[Any], probes: list[Any]) -> list[Any]:
    """Of the results; ``None`` where there is none, as behind an argmax."""
    import tensorflow as tf

    try:
        gradients: list[Any] = tf.gradients(ends, results, probes)
    except LookupError:  # an operator has no gradient: all layers count alike
        return [None] * len(results)
    return gradients


def _energy(gradient: Any, channels: int) -> Any:
    import tensorflow as tf

    if gradient is None:
        return tf.zeros([channels])
    return tf.reduce_sum(tf.square(tf.reshape(gradient, [-1, channels])), 0)
