"""Masks: which samples' steps recurrent layers skip, in Keras and in TF.js.

TF.js 4.22 hands a mask on where a layer says that it supports masks, and drops it elsewhere
without a word. It also gives the last mask that it saw to layers that have none
(``execute`` in tfjs-layers/src/engine/executor.ts), so that those must not look at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.export.tfjs_layers.piece import cannot

#: Skip steps, in both.
_RECURRENT = frozenset(("Bidirectional", "GRU", "LSTM", "SimpleRNN"))

#: Look at masks, which others do not have in TF.js.
_READING = _RECURRENT | {"Softmax"}

#: Hand on the mask of their one input, in both.
_HANDED_ON = _RECURRENT | {
    *("Activation", "AlphaDropout", "BatchNormalization", "Dense", "Dropout"),
    *("GaussianDropout", "GaussianNoise", "LayerNormalization", "Masking", "ReLU"),
}


@dataclass(frozen=True)
class _Call:
    """Of a layer of the model."""

    layer: Any
    inputs: list[Any]
    outputs: list[Any]
    there: frozenset[str]
    """The classes that stand for the layer in TF.js."""

    @property
    def reads_mask(self) -> bool:
        return any(getattr(tensor, "_keras_mask", None) is not None for tensor in self.inputs)

    @property
    def makes_mask(self) -> bool:
        return any(getattr(tensor, "_keras_mask", None) is not None for tensor in self.outputs)

    def refused(self, why: str) -> PipelineError:
        return cannot(self.layer.name, type(self.layer).__name__, why)


def check_masks(model: Any, kinds: Mapping[str, Sequence[str]]) -> None:
    """Raise PipelineError where a layer's mask would be another one in TF.js.

    Args:
        kinds: layer -> the classes that stand for it there; of models inside there are none.
    """
    calls = list(_calls(model, kinds))
    if not any(call.reads_mask or call.makes_mask for call in calls):
        return
    ends = {_place(tensor) for tensor in model.outputs}
    for call in calls:
        _check(call)
        if call.reads_mask and _zeroes(call.layer) and _is_seen(call, calls, ends):
            raise call.refused("it gives zeros at masked steps, and TF.js does not")


def _check(call: _Call) -> None:
    if not call.there:
        raise call.refused("it is a model inside one that has masks")
    if call.there & _READING and not call.reads_mask:
        raise call.refused("it has no mask, and TF.js gives it another layer's")
    if call.reads_mask and call.there & _RECURRENT and len(call.inputs) > 1:
        raise call.refused("it begins with other states than zeros, which TF.js gives as answers")
    if not call.reads_mask or call.there <= _HANDED_ON:
        return
    repeats = type(call.layer).__name__ == "TimeDistributed"
    if call.makes_mask or (call.layer._expects_mask_arg and not repeats):
        raise call.refused("TF.js does not hand the mask of its input on to it")


def _zeroes(layer: Any) -> bool:
    """Whether its answers at masked steps are zeros, not those of the steps before."""
    return bool(getattr(getattr(layer, "forward_layer", layer), "zero_output_for_mask", False))


def _is_seen(call: _Call, calls: Sequence[_Call], ends: set[tuple[int, ...]]) -> bool:
    """Whether answers at masked steps come out of the model: recurrent layers skip them."""
    places = {_place(tensor) for tensor in call.outputs}
    if places & ends:
        return True
    return any(
        not reader.there <= _HANDED_ON or _is_seen(reader, calls, ends)
        for reader in calls
        if not reader.there <= _RECURRENT and places & {_place(tensor) for tensor in reader.inputs}
    )


def _place(tensor: Any) -> tuple[int, ...]:
    """Which output of which call it is."""
    layer, node, index = tensor._keras_history
    return id(layer), node, index


def _calls(model: Any, kinds: Mapping[str, Sequence[str]]) -> Iterator[_Call]:
    import tensorflow as tf

    for layer in model.layers:
        for number, node in enumerate(layer._inbound_nodes):
            if not node.is_input and f"{layer.name}_ib-{number}" in model._network_nodes:
                read, made = (tf.nest.flatten(of) for of in (node.input_tensors, node.outputs))
                yield _Call(layer, read, made, frozenset(kinds[layer.name]))
