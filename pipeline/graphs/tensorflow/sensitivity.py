"""How much a network's outputs change with the results of each of its layers, by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.graphs.tensorflow.layers import Layer
from pipeline.graphs.tensorflow.network import Network
from pipeline.graphs.tensorflow.stages import batches, target
from pipeline.tensors.arrays import Float64s, np
from pipeline.tensors.pruned import prune, wrap

#: Random mixtures of the outputs whose gradients are taken, for each batch.
PROBES = 4

#: A channel counts at least so much of its layer's mean: samples show little of some channels.
LEAST = 1e-3


def sensitivities(
    network: Network, layers: Sequence[Layer], inputs: Mapping[str, Any]
) -> list[Float64s]:
    """The mean square gradient of the outputs by each layer's result, [channels] each.

    Summed over the places of a channel and over all outputs. A random mixture of the outputs has,
    in the mean, the gradient energy of all of them (Hutchinson 1990,
    doi 10.1080/03610919008812866).
    """
    energies = _energies(network, layers)
    chance = np.random.default_rng(0)
    total = [np.zeros(layer.channels(network)) for layer in layers]
    for rows in batches(network, inputs):
        batch = [inputs[spec.name][rows] for spec in network.signature.inputs]
        for _ in range(PROBES):
            added = energies(batch, chance)
            total = [a + b.numpy() for a, b in zip(total, added, strict=True)]
    return [_bound(value) for value in total]


def _bound(energy: Float64s) -> Float64s:
    mean = float(energy.mean())
    # No gradient reaches a layer that only decides (an argmax): all its channels count alike.
    return np.maximum(energy, LEAST * mean) if mean > 0 else np.ones_like(energy)


def _energies(
    network: Network, layers: Sequence[Layer]
) -> Callable[[Sequence[Any], np.random.Generator], list[Any]]:
    """A function from a batch and a source of randomness to one probe's gradient energies."""
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

    def energies(batch: Sequence[Any], chance: np.random.Generator) -> list[Any]:
        constants = [tf.constant(values) for values in batch]
        drawn = [
            tf.constant(chance.standard_normal(tuple(value.shape), np.float32))
            for value in values(*constants)
        ]
        sums: list[Any] = both(*constants, *drawn)
        return sums

    return energies


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
