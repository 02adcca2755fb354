"""Masks: which samples' steps recurrent layers skip, in Keras and in TF.js.

TF.js 4.22 hands a mask on where a layer says that it supports masks, and drops it elsewhere
without a word. It also gives the last mask that it saw to layers that have none
(``execute`` in tfjs-layers/src/engine/executor.ts), so that those must not look at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.export.tfjs_layers.piece import cannot

#: Skip steps, in both.
_RECURRENT = frozenset(("Bidirectional", "GRU", "LSTM", "SimpleRNN"))

#: Hand on the mask of their one input, in both.
_HANDED_ON = _RECURRENT | {
    *("Activation", "AlphaDropout", "BatchNormalization", "Dense", "Dropout"),
    *("GaussianDropout", "GaussianNoise", "LayerNormalization", "Masking", "ReLU"),
}


def check_masks(model: Any) -> None:
    """Raise PipelineError where a layer's mask would be another one in TF.js."""
    import tf_keras

    calls = [(layer, *tensors) for layer in model.layers for tensors in _calls(layer, model)]
    if not any(_masked(given) or _masked(result) for _, given, result in calls):
        return
    for layer, given, result in calls:
        kind = type(layer).__name__
        if isinstance(layer, tf_keras.Model):
            raise cannot(layer.name, kind, "it is a model inside one that has masks")
        if kind in _RECURRENT and not _masked(given):
            raise cannot(layer.name, kind, "it has no mask, and TF.js gives it another layer's")
        if not _masked(given) or kind in _HANDED_ON:
            continue
        if _masked(result) or (layer._expects_mask_arg and kind != "TimeDistributed"):
            raise cannot(layer.name, kind, "TF.js does not hand the mask of its input on to it")


def _calls(layer: Any, model: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """Inputs and outputs of each call of a layer in this model."""
    import tensorflow as tf

    for node in layer._inbound_nodes:
        if not node.is_input and _key(layer, node) in model._network_nodes:
            yield tf.nest.flatten(node.input_tensors), tf.nest.flatten(node.outputs)


def _key(layer: Any, node: Any) -> str:
    return f"{layer.name}_ib-{layer._inbound_nodes.index(node)}"


def _masked(tensors: list[Any]) -> bool:
    return any(getattr(tensor, "_keras_mask", None) is not None for tensor in tensors)
