"""Rebuilds a Keras 3 model in tf_keras, layer by layer, with its weights.

tensorflow-model-optimization and TF.js layers models know tf_keras only. Both have the same
layers for the most part; where their names or meanings differ, it is written down here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tensorflow.single import SINGLE
from pipeline.sources.keras import activations
from pipeline.sources.keras.activations import COMPOSED, Followed
from pipeline.sources.keras.application_layers import application_layers
from pipeline.sources.keras.composed import COMPOSED_LAYERS, NoTwinError, unwrap
from pipeline.sources.keras.masks import kept_arguments, needed_nodes
from pipeline.sources.keras.operations import twin_of_operation

_TODO = (
    "leave tfjs-layers out of export (tfjs-graph holds the model), and techniques that train "
    "layers or take parts of them away; or replace that layer"
)

#: Layer -> {argument of Keras 3: argument of tf_keras}.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}

#: What tf_keras asks of a config that Keras 3 does not write: it is known once a layer is called.
_LEFT_OPEN = {"MultiHeadAttention": dict.fromkeys(("query_shape", "key_shape", "value_shape"))}

#: Decide training or speed only, so that they may be left behind.
_WITHOUT_EFFECT = {"seed", "autocast", "use_cudnn", "flash_attention", "value_range"}

#: Values of arguments that tf_keras lacks, under which Keras 3 does what tf_keras always does.
_USUAL = (None, False, "channels_last")

#: Taken by base classes of tf_keras through their keyword arguments.
_BASE_ARGUMENTS = {"name", "trainable", "dtype", "activity_regularizer", "zero_output_for_mask"}


def convert(model: Any) -> Any:
    """Return a new ``tf_keras.Model`` that computes what a Keras 3 model does.

    Args:
        model: functional or sequential, built; models inside it and shared layers included.

    Raises:
        PipelineError: names the layer and its class where tf_keras has no equal.
    """
    import tf_keras

    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise _cannot(model, "it is neither functional nor sequential")
    tensors = {id(tensor): _input(tensor) for tensor in graph.inputs}
    inputs = list(tensors.values())
    twins: dict[int, Any] = {}
    needed = needed_nodes(graph)
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input and id(node) in needed:
                _apply(node, tensors, twins)
    outputs = [tensors[id(tensor)] for tensor in graph.outputs]
    return tf_keras.Model(_single(inputs), _single(outputs), name=model.name)


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _input(tensor: Any) -> Any:
    import tf_keras

    layer = tensor._keras_history.operation
    dtype = SINGLE.get(tensor.dtype, tensor.dtype)
    return tf_keras.Input(batch_shape=tensor.shape, dtype=dtype, name=layer.name)


def _apply(node: Any, tensors: dict[int, Any], twins: dict[int, Any]) -> None:
    """Call the twin of one node's layer on what its inputs became."""
    import keras

    operation = unwrap(node.operation)
    if id(operation) not in twins:
        twins[id(operation)] = _twin(operation)
    parts = node.arguments.args, kept_arguments(node)
    args, kwargs = (_filled(part, tensors) for part in parts)
    try:
        result = twins[id(operation)](*args, **kwargs)
    except NoTwinError as error:
        raise _cannot(operation, str(error)) from error
    except (TypeError, ValueError) as error:
        raise _cannot(operation, f"tf_keras refuses it ({reason_of(error)})") from error
    _move_weights(operation, twins[id(operation)])
    for old, new in zip(node.outputs, keras.tree.flatten(result), strict=True):
        tensors[id(old)] = new


def _filled(arguments: Any, tensors: dict[int, Any]) -> Any:
    """Arguments of a call with what their tensors became."""
    import keras

    return keras.tree.map_structure(
        lambda value: tensors[id(value)] if isinstance(value, keras.KerasTensor) else value,
        arguments,
    )


def _twin(operation: Any) -> Any:
    """A tf_keras layer, or a function of several, that does what a Keras 3 layer does."""
    import keras

    if isinstance(operation, keras.Model):
        inner = convert(operation)
        return lambda inputs, **kwargs: inner(_single(list(keras.tree.flatten(inputs))), **kwargs)
    kind = type(operation).__name__
    if kind in COMPOSED_LAYERS or not isinstance(operation, keras.Layer):
        return _composed(kind, operation)
    if kind == "TimeDistributed" and isinstance(operation.layer, keras.Model):
        return _repeated_model(operation)
    return _twin_of_layer(kind, operation)


def _twin_of_layer(kind: str, operation: Any) -> Any:
    """With an activation that tf_keras lacks behind it."""
    config = operation.get_config()
    activation = activations.name_of(config.get("activation"))
    if activation not in COMPOSED or "recurrent_initializer" in config:
        return _layer(kind, config, operation)
    if kind == "Activation":
        return COMPOSED[activation](operation.name)
    layer = _layer(kind, {**config, "activation": "linear"}, operation)
    return Followed(layer, COMPOSED[activation](f"{operation.name}_{activation}"))


def _repeated_model(operation: Any) -> Any:
    import tf_keras

    return tf_keras.layers.TimeDistributed(convert(operation.layer), name=operation.name)


def _composed(kind: str, operation: Any) -> Any:
    try:
        return COMPOSED_LAYERS.get(kind, twin_of_operation)(operation)
    except NoTwinError as error:
        raise _cannot(operation, str(error)) from error


def _layer(kind: str, config: Mapping[str, Any], operation: Any) -> Any:
    layer_class = _class("tf_keras", kind)
    if layer_class is None or _class("keras", kind) is None:
        raise _cannot(operation, "tf_keras has no such layer")
    translated = _translated(kind, config, operation)
    try:
        return layer_class.from_config(translated)
    except (KeyError, TypeError, ValueError) as error:
        raise _cannot(operation, f"tf_keras refuses it ({reason_of(error)})") from error


def _translated(kind: str, config: Mapping[str, Any], operation: Any) -> dict[str, Any]:
    """The config of a Keras 3 layer in the words of tf_keras."""
    config = _undirected(config) if kind == "Bidirectional" else config
    renamed = {_RENAMED.get(kind, {}).get(key, key): value for key, value in config.items()}
    accepted, defaults = _arguments("tf_keras", kind), _arguments("keras", kind)
    result: dict[str, Any] = {}
    for key, value in renamed.items():
        if key in accepted or key in _BASE_ARGUMENTS:
            result[key] = _value(key, value, operation)
        elif key not in _WITHOUT_EFFECT and value not in (*_USUAL, defaults.get(key)):
            raise _cannot(operation, f"tf_keras does not know its {key}={value!r}")
    # Weights are moved, and initializers have other arguments there.
    translated = {key: value for key, value in result.items() if not key.endswith("_initializer")}
    return {**translated, **_LEFT_OPEN.get(kind, {})}


def _undirected(config: Mapping[str, Any]) -> dict[str, Any]:
    """Undo what Keras 3 writes into the layers inside and tf_keras does by itself again."""
    sides = {}
    for key, prefix in (("layer", "forward_"), ("backward_layer", "backward_")):
        inner = dict(config[key]["config"])
        inner["name"] = inner["name"].removeprefix(prefix)
        sides[key] = {"class_name": config[key]["class_name"], "config": inner}
    forward, backward = ({**sides[key]["config"], "go_backwards": None} for key in sides)
    if forward == backward:
        del sides["backward_layer"]
    return {**{key: value for key, value in config.items() if key != "backward_layer"}, **sides}


def _value(key: str, value: Any, operation: Any) -> Any:
    if key == "dtype":
        return _dtype(value, operation)
    if key == "recurrent_activation" and activations.name_of(value) == "hard_sigmoid":
        return "hard_sigmoid"  # with other weights
    if key.endswith("activation"):
        return _activation(value, operation)
    if isinstance(value, dict) and key in ("layer", "backward_layer", "cell"):
        inner = _translated(value["class_name"], value["config"], operation)
        return {"class_name": value["class_name"], "config": inner}
    if isinstance(value, list) and key == "cells":
        return [_value("cell", cell, operation) for cell in value]
    return value


def _dtype(value: Any, operation: Any) -> str:
    config = value.get("config", {}) if isinstance(value, dict) else {"name": value}
    if isinstance(value, dict) and value.get("class_name") not in (
        "DTypePolicy",
        "FloatDTypePolicy",
    ):
        raise _cannot(operation, "its weights are quantized already")
    # The graph is frozen in float32, whatever the source computes in.
    name = str(config["name"]).removeprefix("mixed_")
    return SINGLE.get(name, name)


def _activation(value: Any, operation: Any) -> str | None:
    name = activations.name_of(value)
    name = activations.RENAMED.get(name, name) if isinstance(name, str) else name
    if name is None or name in activations.SAME:
        return name
    raise _cannot(operation, f"tf_keras does not know its activation {name!r}")


def _class(library: str, kind: str) -> Any:
    layer_class = getattr(import_module(library).layers, kind, None)
    return layer_class or application_layers(library).get(kind)


@cache
def _arguments(library: str, kind: str) -> dict[str, Any]:
    """Argument -> default of a layer's constructors, those of its base classes too."""
    values: dict[str, Any] = {}
    for base in _class(library, kind).__mro__:
        if "__init__" in vars(base) and base is not object:
            for name, parameter in inspect.signature(base.__init__).parameters.items():
                values.setdefault(name, parameter.default)
    return {name: value for name, value in values.items() if name not in ("self", "args", "kwargs")}


def _move_weights(operation: Any, twin: Any) -> None:
    """Copy a layer's weights; models inside the model have moved theirs already."""
    import tf_keras

    twin = twin.layer if isinstance(twin, Followed) else twin
    if not isinstance(twin, tf_keras.layers.Layer) or not getattr(operation, "weights", None):
        return
    values = operation.get_weights()
    old, new = [value.shape for value in values], [tuple(w.shape) for w in twin.weights]
    if old != new:
        raise _cannot(operation, f"its weights have shapes {old}, in tf_keras {new}")
    twin.set_weights(values)
    activations.scale_gates(twin)


def _cannot(operation: Any, why: str) -> PipelineError:
    return PipelineError(
        f"layer {operation.name!r} ({type(operation).__name__}) cannot be taken to tf_keras: {why}",
        where="keras 3",
        todo=_TODO,
    )
