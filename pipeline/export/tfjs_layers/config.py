"""A tf_keras model's config in the words that TF.js' layers understand.

TF.js 4.22 ignores what it does not know, so that a model can load and compute something else.
Whatever it lacks is therefore rewritten here into layers that it has, or refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.export.tfjs_layers import attention
from pipeline.export.tfjs_layers.masks import check_masks
from pipeline.export.tfjs_layers.piece import OWN, Config, Piece, cannot
from pipeline.export.tfjs_layers.rewrites import REWRITES, operands

_SAME = {
    *("InputLayer", "Activation", "Add", "AlphaDropout", "Average", "AveragePooling1D"),
    *("AveragePooling2D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv2D"),
    *("Conv2DTranspose", "Conv3D", "Cropping2D", "Dense", "DepthwiseConv2D", "Dot", "Dropout"),
    *("AveragePooling3D", "ConvLSTM2D", "ELU", "Embedding", "Masking", "MaxPooling3D"),
    *("Flatten", "GRU", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "LSTM"),
    *("LayerNormalization", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum"),
    *("Multiply", "PReLU", "Permute", "ReLU", "RepeatVector", "Rescaling", "Reshape"),
    *("SeparableConv2D", "SimpleRNN", "Softmax", "SpatialDropout1D", "TimeDistributed"),
    *("UpSampling2D", "ZeroPadding2D"),
}

_ACTIVATIONS = {
    *("elu", "gelu", "hard_sigmoid", "linear", "log_softmax", "mish", "relu", "relu6", "selu"),
    *("sigmoid", "softmax", "softplus", "softsign", "swish", "tanh"),
}

_INITIALIZERS = {
    *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity"),
    *("LeCunNormal", "LeCunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform"),
    *("TruncatedNormal", "VarianceScaling", "Zeros"),
}

#: Without meaning to TF.js; it refuses separable convolutions that have the second, even null.
_IGNORED = ("groups", "synchronized")
_NOT_SEPARABLE = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")

#: Layer -> {key: the values under which TF.js computes the same}, and why it matters.
_ONLY: Mapping[str, Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "Bidirectional": {"backward_layer": ((None,), "TF.js makes both directions of one layer")},
    "Conv1D": {"groups": ((1, None), "TF.js ignores groups")},
    "Conv2D": {"groups": ((1, None), "TF.js ignores groups")},
    "Conv2DTranspose": {
        "output_padding": ((None,), "TF.js ignores output_padding"),
        "dilation_rate": ((1, [1, 1], None), "TF.js ignores dilation_rate"),
    },
    "GRU": {"reset_after": ((False,), "TF.js has the GRU with reset_after=False only")},
    "ReLU": {"threshold": ((0, None), "TF.js ignores threshold")},
    "Flatten": {"data_format": (("channels_last", None), "TF.js orders values otherwise")},
}


def layers_config(model: Any) -> Config:
    """``{"class_name", "config"}`` of a ``tf_keras.Model`` for TF.js.

    Raises:
        PipelineError: names the layer that TF.js lacks or would compute otherwise.
    """
    entry = json.loads(model.to_json())
    check_masks(model)
    return _model_entry({key: entry[key] for key in ("class_name", "config")}, model)


def _model_entry(entry: Config, model: Any) -> Config:
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        config = _as_functional(config)
    elif entry["class_name"] not in ("Functional", "Model"):
        raise cannot(model.name, entry["class_name"], "it is neither functional nor sequential")
    layers = [piece for layer in config["layers"] for piece in _rewritten(layer, model)]
    kept = {key: config[key] for key in ("name", "input_layers", "output_layers")}
    kept["input_layers"] = _listed(kept["input_layers"])
    kept["output_layers"] = _listed(kept["output_layers"])
    return {"class_name": "Functional", "config": {**kept, "layers": layers}}


def _listed(tensors: Any) -> list[Any]:
    """tf_keras writes a single ``[layer, node, tensor]`` bare, and named ones as a dict."""
    if isinstance(tensors, dict):
        return [tensors[key] for key in sorted(tensors)]
    return [tensors] if tensors and isinstance(tensors[0], str) else tensors


def _as_functional(config: Config) -> Config:
    """A sequential model's config as that of a functional one, so that layers can be inserted."""
    layers = [dict(layer) for layer in config["layers"]]
    if layers[0]["class_name"] != "InputLayer":
        first = layers[0]["config"]
        shape = first.get("batch_input_shape") or config.get("build_input_shape")
        source = {"name": f"{first['name']}_input", "batch_input_shape": shape, "dtype": "float32"}
        layers.insert(0, {"class_name": "InputLayer", "config": source})
    names = [layer["config"]["name"] for layer in layers]
    for index, layer in enumerate(layers):
        layer["name"] = names[index]
        # A model inside has its own first node; calls of it are counted from 1.
        before = 1 if index and layers[index - 1]["class_name"] in _MODELS else 0
        layer["inbound_nodes"] = [[[names[index - 1], before, 0, {}]]] if index else []
    last = 1 if layers[-1]["class_name"] in _MODELS else 0
    return {
        "name": config["name"],
        "layers": layers,
        "input_layers": [[names[0], 0, 0]],
        "output_layers": [[names[-1], last, 0]],
    }


_MODELS = ("Functional", "Model", "Sequential")


def _rewritten(entry: Config, model: Any) -> Iterator[Config]:
    """The entries that stand for one layer of the model."""
    kind, name = entry["class_name"], entry["name"]
    nodes = [_listed(node) for node in entry["inbound_nodes"]]
    entry = {**entry, "inbound_nodes": nodes}
    # A sequential model does not list its input layer, which needs no rewriting.
    layer = next((layer for layer in model.layers if layer.name == name), None)
    if kind in _MODELS:
        yield {**_model_entry(entry, layer), "name": name, "inbound_nodes": nodes}
        return
    pieces = REWRITES[kind](entry, layer) if kind in REWRITES else None
    if pieces is None:
        pieces = [Piece(kind, entry["config"])]
    if kind in _CALLS:
        nodes = [_CALLS[kind](node) for node in nodes]
    for piece in pieces:
        yield {
            "class_name": piece.class_name,
            "name": piece.config["name"],
            "config": _checked(piece, name),
            "inbound_nodes": [_inbound(piece, node, i) for i, node in enumerate(nodes)],
        }


#: Layer -> the tensors of a call that has some of them as arguments.
_CALLS = {"TFOpLambda": operands, "MultiHeadAttention": attention.operands}


def _inbound(piece: Piece, node: list[Any], index: int) -> list[Any]:
    sources: list[Any] = []
    for source in piece.inputs:
        if isinstance(source, int):
            sources.append(node[source])
        else:
            sources += node if source == OWN else [[source, index, 0, {}]]
    # Arguments of the call (masks, training) are not known to TF.js' layers.
    return [[*tensor[:3], {}] for tensor in sources]


def _checked(piece: Piece, layer: str) -> Config:
    """A layer's config without what only Python needs; raises where TF.js would differ."""
    kind = piece.class_name
    if kind not in _SAME:
        raise _lacking(layer, kind)
    config: Config = {key: _plain(key, value, layer) for key, value in piece.config.items()}
    for key, (allowed, why) in _ONLY.get(kind, {}).items():
        if config.get(key) not in allowed:
            raise cannot(layer, kind, f"it has {key}={config[key]!r}, and {why}")
    if kind == "BatchNormalization" and isinstance(config["axis"], list):
        (config["axis"],) = config["axis"]
    for key in _IGNORED + (_NOT_SEPARABLE if kind == "SeparableConv2D" else ()):
        config.pop(key, None)
    return config


def _lacking(layer: str, kind: str) -> PipelineError:
    return cannot(layer, kind, "TF.js has no such layer")


def known_to_lack(entry: Mapping[str, Any]) -> PipelineError | None:
    """What ``layers_config`` would raise of a model, as far as its file alone tells.

    Args:
        entry: ``{"class_name", "config"}`` of a model or layer, as Keras 3 or tf_keras saves it.
    """
    kind, config = str(entry.get("class_name")), entry.get("config")
    if not isinstance(config, dict):
        return None
    inside = config.get("layers", [])
    for inner in (*(inside if isinstance(inside, list) else []), config.get("layer")):
        if isinstance(inner, dict) and (error := known_to_lack(inner)):
            return error
    # What Keras 3 computes between layers is told apart by its module.
    rewritten = kind in REWRITES and kind not in _ONLY
    if kind in _MODELS or rewritten or entry.get("module", _LAYERS) != _LAYERS:
        return None
    name = str(config.get("name"))
    return _lacking(name, kind) if kind not in _SAME else _known_to_differ(name, kind, config)


def pieces_of(layer: Any) -> list[Piece]:
    """What stands for a layer that brings weights of its own; empty where it keeps its weights."""
    kind = type(layer).__name__
    if kind not in _WEIGHED:
        return []
    entry = {"class_name": kind, "name": layer.name, "config": layer.get_config()}
    return REWRITES[kind]({**entry, "inbound_nodes": []}, layer) or []


_WEIGHED = (
    *("CenterCrop", "LayerScale", "MultiHeadAttention", "Normalization", "Rescaling", "Resizing"),
    "UpSampling2D",
)

_LAYERS = "keras.layers"


def _known_to_differ(layer: str, kind: str, config: Config) -> PipelineError | None:
    # Keras 3 writes both directions of a bidirectional layer, also where they are the same.
    for key, (allowed, why) in _ONLY.get(kind, {}).items() if kind != "Bidirectional" else ():
        if key in config and config[key] not in allowed:
            return cannot(layer, kind, f"it has {key}={config[key]!r}, and {why}")
    return None


def _plain(key: str, value: Any, layer: str) -> Any:
    """One value of a config, without the modules and registered names of Python."""
    if key in ("layer", "backward_layer") and isinstance(value, dict):
        inner = Piece(value["class_name"], value["config"])
        return {"class_name": inner.class_name, "config": _checked(inner, layer)}
    plain = next((rule for ending, rule in _RULES.items() if key.endswith(ending)), None)
    return plain(value, layer) if plain else value


def _object(value: Any, layer: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {"class_name": value["class_name"], "config": value["config"]}


def _dtype(value: Any, layer: str) -> str:
    name = value["config"]["name"] if isinstance(value, dict) else value
    if name not in ("float32", "int32", "bool"):
        raise cannot(layer, str(name), "TF.js' layers compute in float32")
    return str(name)


def _activation(value: Any, layer: str) -> str | None:
    name = value["config"] if isinstance(value, dict) else value
    name = "swish" if name == "silu" else name
    if name is not None and name not in _ACTIVATIONS:
        raise cannot(layer, f"activation {name}", "TF.js has no such activation")
    return None if name is None else str(name)


def _initializer(value: Any, layer: str) -> Any:
    """An initializer, or None (the default) for one that TF.js lacks: weights are trained."""
    if not isinstance(value, dict):
        return None
    name = value["class_name"].replace("Lecun", "LeCun")
    return {"class_name": name, "config": value["config"]} if name in _INITIALIZERS else None


def _regularizer(value: Any, layer: str) -> Any:
    if not isinstance(value, dict):
        return None
    if value["class_name"] not in ("L1", "L2", "L1L2"):
        raise cannot(layer, f"regularizer {value['class_name']}", "TF.js has no such regularizer")
    config = {"l1": 0.0, "l2": 0.0, **value["config"]}
    return {"class_name": "L1L2", "config": {key: config[key] for key in ("l1", "l2")}}


_RULES: Mapping[str, Callable[[Any, str], Any]] = {
    "dtype": _dtype,
    "activation": _activation,
    "_initializer": _initializer,
    "_regularizer": _regularizer,
    "_constraint": _object,
}
"""How a key of a config ends -> what becomes of its value."""
