"""Rebuilds a Keras 3 model in tf_keras, layer by layer, with its weights.

tensorflow-model-optimization and TF.js layers models know tf_keras only. Both have the same
layers for the most part; where their names or meanings differ, it is written down here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.reasons import reason_of

_TODO = (
    "replace that layer, or leave out what is made of tf_keras layers: the format tfjs-layers, and "
    "techniques that train layers or take parts of them away"
)

#: Layer -> {argument of Keras 3: argument of tf_keras}.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}

#: Decide training or speed only, so that they may be left behind.
_WITHOUT_EFFECT = {"seed", "autocast", "use_cudnn", "flash_attention", "value_range"}

#: Values of arguments that tf_keras lacks, under which Keras 3 does what tf_keras always does.
_USUAL = (None, False, "channels_last")

#: Taken by base classes of tf_keras through their keyword arguments.
_BASE_ARGUMENTS = {"name", "trainable", "dtype", "activity_regularizer", "zero_output_for_mask"}

#: Activations that both have, with the same meaning.
_ACTIVATIONS = {
    *("elu", "exponential", "gelu", "leaky_relu", "linear", "log_softmax", "mish", "relu"),
    *("relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh"),
}
_SAME_ACTIVATION = {"silu": "swish"}

#: Operations of keras.ops -> the activation they are.
_ACTIVATION_OPERATIONS = {
    **{"Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "swish"},
    **{"Softplus": "softplus", "Softsign": "softsign", "Elu": "elu", "Selu": "selu"},
}


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
    made: dict[int, Any] = {}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                _apply(node, tensors, made)
    outputs = [tensors[id(tensor)] for tensor in graph.outputs]
    return tf_keras.Model(_single(inputs), _single(outputs), name=model.name)


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _input(tensor: Any) -> Any:
    import tf_keras

    layer = tensor._keras_history.operation
    return tf_keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=layer.name)


def _apply(node: Any, tensors: dict[int, Any], made: dict[int, Any]) -> None:
    """Call the twin of one node's layer on what its inputs became."""
    import keras

    operation = node.operation
    if id(operation) not in made:
        made[id(operation)] = _twin(operation)
    args, kwargs = node.arguments.fill_in(tensors)
    # Masks follow the tensors in tf_keras by themselves.
    kept = {k: v for k, v in kwargs.items() if v is not None and k not in ("training", "mask")}
    try:
        result = made[id(operation)](*args, **kept)
    except (TypeError, ValueError) as error:
        raise _cannot(operation, f"tf_keras refuses it ({reason_of(error)})") from error
    _move_weights(operation, made[id(operation)])
    for old, new in zip(node.outputs, keras.tree.flatten(result), strict=True):
        tensors[id(old)] = new


def _twin(operation: Any) -> Any:
    """A tf_keras layer, or a function of several, that does what a Keras 3 layer does."""
    import keras

    if isinstance(operation, keras.Model):
        inner = convert(operation)
        return lambda inputs, **kwargs: inner(_single(list(keras.tree.flatten(inputs))), **kwargs)
    if not isinstance(operation, keras.Layer):
        return _twin_of_operation(operation)
    config = operation.get_config()
    kind = type(operation).__name__
    activation = _activation_name(config.get("activation"))
    if kind == "Activation" and activation in _COMPOSED:
        return _COMPOSED[activation](operation.name)
    return _layer(kind, config, operation)


def _layer(kind: str, config: Mapping[str, Any], operation: Any) -> Any:
    import keras
    import tf_keras

    layer_class = getattr(tf_keras.layers, kind, None)
    if layer_class is None or getattr(keras.layers, kind, None) is None:
        raise _cannot(operation, "tf_keras has no such layer")
    translated = _translated(kind, config, operation)
    try:
        return layer_class.from_config(translated)
    except (TypeError, ValueError) as error:
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
    return {key: value for key, value in result.items() if not key.endswith("_initializer")}


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
    return str(config["name"])


def _activation_name(value: Any) -> Any:
    """The name of an activation, which Keras 3 writes as a string or as a dict of a function."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    return value


def _activation(value: Any, operation: Any) -> str | None:
    name = _activation_name(value)
    if name is None:
        return None
    # hard_sigmoid is another function there: clip(0.2 x + 0.5) instead of relu6(x + 3) / 6.
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise _cannot(operation, f"tf_keras does not know its activation {name!r}")
    return _SAME_ACTIVATION.get(name, name)


@cache
def _arguments(library: str, kind: str) -> dict[str, Any]:
    """Argument -> default of a layer's constructors, those of its base classes too."""
    import keras
    import tf_keras

    layers = {"keras": keras, "tf_keras": tf_keras}[library].layers
    found: dict[str, Any] = {}
    for base in getattr(layers, kind).__mro__:
        if "__init__" in vars(base) and base is not object:
            for name, parameter in inspect.signature(base.__init__).parameters.items():
                found.setdefault(name, parameter.default)
    return {name: value for name, value in found.items() if name not in ("self", "args", "kwargs")}


def _hard_sigmoid(name: str, last: str | None = None) -> Callable[..., Any]:
    """``relu6(x + 3) / 6``, of layers that TF.js has as well."""
    import tf_keras

    shift = tf_keras.layers.Rescaling(1.0, offset=3.0, name=f"{name}_shift")
    clip = tf_keras.layers.ReLU(6.0, name=f"{name}_clip")
    scale = tf_keras.layers.Rescaling(1 / 6, name=last or name)
    return lambda x: scale(clip(shift(x)))


def _hard_swish(name: str) -> Callable[..., Any]:
    import tf_keras

    gate = _hard_sigmoid(name, f"{name}_gate")
    product = tf_keras.layers.Multiply(name=name)
    return lambda x: product([x, gate(x)])


_COMPOSED = {"hard_sigmoid": _hard_sigmoid, "hard_silu": _hard_swish, "hard_swish": _hard_swish}


def _twin_of_operation(operation: Any) -> Any:
    """The layer that does what an operation of ``keras.ops`` does between layers."""
    import tf_keras

    kind, name = type(operation).__name__, operation.name
    if kind in _ACTIVATION_OPERATIONS:
        return tf_keras.layers.Activation(_ACTIVATION_OPERATIONS[kind], name=name)
    if kind in _COMPOSED_OPERATIONS:
        return _COMPOSED[_COMPOSED_OPERATIONS[kind]](name)
    if kind == "Softmax":
        return tf_keras.layers.Softmax(axis=operation.axis, name=name)
    if kind in ("Add", "Subtract", "Multiply", "Divide", "TrueDivide"):
        return lambda a, b: _arithmetic(operation, kind, a, b)
    raise _cannot(operation, "tf_keras has no layer for this operation")


_COMPOSED_OPERATIONS = {"HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu"}


def _arithmetic(operation: Any, kind: str, a: Any, b: Any) -> Any:
    import tf_keras

    layers, name = tf_keras.layers, operation.name
    if isinstance(a, (int, float)) and kind in ("Add", "Multiply"):
        a, b = b, a
    if isinstance(b, (int, float)):
        scale = {"Multiply": b, "Divide": 1 / (b or 1), "TrueDivide": 1 / (b or 1)}.get(kind, 1.0)
        offset = {"Add": b, "Subtract": -b}.get(kind, 0.0)
        return layers.Rescaling(float(scale), offset=float(offset), name=name)(a)
    if isinstance(a, (int, float)) or "Divide" in kind or not hasattr(b, "shape"):
        raise _cannot(operation, "tf_keras has no layer for this operation on these operands")
    return getattr(layers, kind)(name=name)([a, b])


def _move_weights(operation: Any, twin: Any) -> None:
    """Copy a layer's weights; models inside the model have moved theirs already."""
    import tf_keras

    if not isinstance(twin, tf_keras.layers.Layer) or not getattr(operation, "weights", None):
        return
    values = operation.get_weights()
    old, new = [value.shape for value in values], [tuple(w.shape) for w in twin.weights]
    if old != new:
        raise _cannot(operation, f"its weights have shapes {old}, in tf_keras {new}")
    twin.set_weights(values)


def _cannot(operation: Any, why: str) -> PipelineError:
    return PipelineError(
        f"layer {operation.name!r} ({type(operation).__name__}) cannot be taken to tf_keras: {why}",
        where="keras 3",
        todo=_TODO,
    )
