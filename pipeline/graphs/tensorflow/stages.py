"""Runs a frozen graph from layer to layer, so that each layer's weights can change before it runs.

What lies between two layers runs as one TensorFlow function; only what layers to come still need
is kept. Samples run in batches, of the graph's own size where that is fixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.graphs.tensorflow.layers import Layer
from pipeline.graphs.tensorflow.network import Network, base, tensor
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.pruned import prune, wrap

#: Samples that run at once, where the graph takes any number.
BATCH = 16


class Stages:
    """A network cut at its layers: how to get from known tensors to the next layer's input."""

    def __init__(self, network: Network, layers: Sequence[Layer]) -> None:
        self.network, self.layers = network, layers
        self._graph = wrap(network.graph_def)
        inputs = [spec.name for spec in network.signature.inputs]
        self._known = {*inputs, *(layer.output for layer in layers)}
        name_lists = [[layer.source] for layer in layers]
        name_lists.append([spec.name for spec in network.signature.outputs])
        self.sources = [self._needed(names) for names in name_lists]
        self.between = [
            self._function(sources, names)
            for sources, names in zip(self.sources, name_lists, strict=True)
        ]
        self.products = [self._product(layer) for layer in layers]
        self.last_use = {
            name: max((i for i, sources in enumerate(self.sources) if name in sources), default=-1)
            for name in self._known
        }

    def _needed(self, names: Iterable[str]) -> list[str]:
        """The known tensors (inputs, layers' results) that these are computed from."""
        sources: dict[str, None] = {}
        seen: set[str] = set()
        stack = list(names)
        while stack:
            name = base(stack.pop())
            if name in self._known:
                sources[name] = None
            elif name not in seen:
                seen.add(name)
                stack += self.network.nodes[name].input
        return list(sources)

    def _function(self, sources: Sequence[str], names: Sequence[str]) -> Any:
        return prune(self._graph, [tensor(s) for s in sources], [tensor(n) for n in names])

    def _product(self, layer: Layer) -> Any:
        """(input, weights[, bias]) -> the layer's result."""
        feeds = [layer.source, base(layer.node.input[1])]
        if layer.bias is not None:
            feeds.append(base(layer.bias.input[layer.bias_index]))
        return self._function(feeds, [layer.output])


class StagedRun:
    """One pass over samples, a layer at a time; its layers may have other weights."""

    def __init__(self, stages: Stages, inputs: Mapping[str, Array]) -> None:
        import tensorflow as tf

        self._stages = stages
        starts = batches(stages.network, inputs)
        self._single = fixed_batch(stages.network, inputs) == 0
        self._held: dict[str, list[Any]] = {
            spec.name: [tf.constant(inputs[spec.name][rows]) for rows in starts]
            for spec in stages.network.signature.inputs
        }

    def input(self, index: int) -> list[Any]:
        """What layer ``index`` reads, by batch; all layers before it have been run."""
        return [tensors[0] for tensors in self._between(index)]

    def layer(self, index: int, inputs: Sequence[Any], weights: Array, bias: Array | None) -> None:
        """Run layer ``index`` on ``inputs`` with these weights, shaped as in the graph."""
        import tensorflow as tf

        product, layer = self._stages.products[index], self._stages.layers[index]
        constants = [tf.constant(value) for value in (weights, bias) if value is not None]
        self._held[layer.output] = [product(batch, *constants)[0] for batch in inputs]
        last_use = self._stages.last_use
        self._held = {name: value for name, value in self._held.items() if last_use[name] > index}

    def outputs(self) -> dict[str, Array]:
        """The network's outputs by name: all layers have been run."""
        batches = zip(*self._between(len(self._stages.layers)), strict=True)
        names = [spec.name for spec in self._stages.network.signature.outputs]
        together = np.stack if self._single else np.concatenate
        return {
            name: together([np.atleast_1d(batch.numpy()) for batch in values])
            for name, values in zip(names, batches, strict=True)
        }

    def _between(self, index: int) -> list[list[Any]]:
        inputs = [self._held[name] for name in self._stages.sources[index]]
        return [self._stages.between[index](*tensors) for tensors in zip(*inputs, strict=True)]


def batches(network: Network, inputs: Mapping[str, Array]) -> list[Any]:
    """The rows of each batch, or a number for each sample where the graph takes one alone."""
    count = min(len(inputs[spec.name]) for spec in network.signature.inputs)
    size = fixed_batch(network, inputs)
    if size is None:
        return [slice(start, start + BATCH) for start in range(0, count, BATCH)]
    if size == 0:
        return list(range(count))
    # The last batch is filled up with the last sample.
    starts = range(0, count, size)
    return [[min(i, count - 1) for i in range(start, start + size)] for start in starts]


def fixed_batch(network: Network, inputs: Mapping[str, Array]) -> int | None:
    """The graph's own batch size; ``None`` if it takes any, 0 if it has no axis for it."""
    specs = network.signature.inputs
    if any(len(spec.shape) == inputs[spec.name].ndim - 1 for spec in specs):
        return 0
    return next((int(spec.shape[0]) for spec in specs if spec.shape and spec.shape[0]), None)


def target(spec: Any, network: Network) -> str:
    """The tensor whose values tell most of an output: a softmax's argument, else the output."""
    node = network.nodes[spec.name]
    while spec.softmax and node.op != "Softmax":
        node = network.nodes[base(node.input[0])]
    return tensor(node.input[0] if spec.softmax else node.name)
