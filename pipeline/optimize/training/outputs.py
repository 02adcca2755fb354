"""What kind of output a model has, by which it is taught."""

from __future__ import annotations

from typing import Any

from pipeline.tasks.contract import Head

#: Layers, and operations between layers, that are an activation -> its name.
ACTIVATIONS = {"Softmax": "softmax"} | {
    name: name for name in ("softmax", "log_softmax", "sigmoid", "tanh")
}


#: Layers, and operations between layers, that pass scores on.
PASSING = frozenset({"Reshape", "Flatten", "Dropout", "reshape", "identity", "squeeze", "cast"})


def heads_of(model: Any) -> list[Head]:
    """What a task is told of a Keras model's outputs."""
    return [
        Head(tuple(tensor.shape), activation_of(model, index))
        for index, tensor in enumerate(model.outputs)
    ]


def is_softmax(model: Any, output: int = 0) -> bool:
    """Whether an output of a Keras model is that of a softmax, at most reshaped."""
    return activation_of(model, output) == "softmax"


def activation_of(model: Any, output: int = 0) -> str:
    """The name of the activation that gives an output of a Keras model; ``linear`` for none."""
    return _activation_behind(model.outputs[output])


def _activation_behind(tensor: Any) -> str:
    layer, node, index = tensor._keras_history
    if hasattr(layer, "outputs"):
        return activation_of(layer, index)
    inputs = layer.inbound_nodes[node].keras_inputs
    layer = getattr(layer, "layer", layer)  # a wrapper, such as that of pruning
    kind = type(layer).__name__
    if kind == "TFOpLambda":
        kind = layer.get_config()["function"].rpartition(".")[2]
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind]
    activation = str(getattr(getattr(layer, "activation", None), "__name__", "linear"))
    passes = kind in PASSING or (kind == "Activation" and activation == "linear")
    # Scores that are put beside others, as Flatten can, are no longer one for each class.
    if passes and inputs and inputs[0].shape[-1] == tensor.shape[-1]:
        return _activation_behind(inputs[0])
    return activation
