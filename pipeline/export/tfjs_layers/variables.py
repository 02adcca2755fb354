"""The variables of a tf_keras model by the names that TF.js gives weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Named = Iterator[tuple[str, Any]]


def variables(model: Any) -> Named:
    """``layer/kernel`` and the variable, of each layer, those of models inside too."""
    for layer in model.layers:
        yield from variables_of(layer)


def variables_of(layer: Any) -> Named:
    """The same of one layer, which may be a model."""
    import tf_keras

    if isinstance(layer, tf_keras.Model):
        yield from variables(layer)
    elif isinstance(layer, tf_keras.layers.Bidirectional):
        for side in (layer.forward_layer, layer.backward_layer):
            yield from _own(side, f"{layer.name}/{side.name}")
    else:
        yield from _own(layer, layer.name)


def _own(layer: Any, prefix: str) -> Named:
    for variable in layer.weights:
        last = variable.name.removesuffix(":0").rsplit("/", maxsplit=1)[-1]
        yield f"{prefix}/{last}", variable
