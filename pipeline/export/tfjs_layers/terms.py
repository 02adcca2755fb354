"""A TF.js layer's config in TF.js' own words, or an error that names what it lacks.

TF.js 4.22 ignores what it does not know, so that a model can load and compute something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.export.tfjs_layers.piece import Config, Piece, cannot
from pipeline.graphs.tensorflow.single import SINGLE

MODELS = ("Functional", "Model", "Sequential")

#: What TF.js has, with the meaning that Keras gives it.
SAME = {
    *("InputLayer", "Activation", "Add", "AlphaDropout", "Average", "AveragePooling1D"),
    *("AveragePooling2D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv2D"),
    *("Conv2DTranspose", "Conv3D", "Cropping2D", "Dense", "DepthwiseConv2D", "Dot", "Dropout"),
    *("AveragePooling3D", "ConvLSTM2D", "ELU", "Embedding", "Masking", "MaxPooling3D"),
    *("Flatten", "GRU", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "LSTM"),
    *("LayerNormalization", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum"),
    *("Multiply", "PReLU", "Permute", "ReLU", "RepeatVector", "Rescaling", "Reshape"),
    *("SeparableConv2D", "SimpleRNN", "Softmax", "SpatialDropout1D", "TimeDistributed"),
    *("CategoryEncoding", "ThresholdedReLU", "UpSampling2D", "ZeroPadding2D"),
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

_GROUPS = {"groups": ((1, None), "TF.js ignores groups")}
_RATES = {"dilation_rate": ((1, [1], [1, 1], [1, 1, 1], None), "TF.js ignores dilation_rate")}
_TURNED = {**_RATES, "output_padding": ((None,), "TF.js ignores output_padding")}

#: Layer -> {key: the values under which TF.js computes the same}, and why it matters.
ONLY: Mapping[str, Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "BatchNormalization": {"axis": ((-1,), "TF.js norms the last axis alone")},
    "Bidirectional": {"backward_layer": ((None,), "TF.js makes both directions of one layer")},
    "Conv1D": _GROUPS,
    "Conv2D": _GROUPS,
    "Conv2DTranspose": _TURNED,
    "Conv3D": _GROUPS,
    "DepthwiseConv2D": _RATES,
    "ELU": {"alpha": ((1, None), "TF.js has it with alpha=1 only")},
    "GRU": {"reset_after": ((False,), "TF.js has the GRU with reset_after=False only")},
    "ReLU": {
        "negative_slope": ((0, None), "TF.js ignores negative_slope"),
        "threshold": ((0, None), "TF.js ignores threshold"),
    },
    "Flatten": {"data_format": (("channels_last", None), "TF.js orders values otherwise")},
}


def checked(piece: Piece, layer: str) -> Config:
    """A layer's config without what only Python needs; raises where TF.js would differ."""
    kind = piece.class_name
    if kind not in SAME:
        raise lacking(layer, kind)
    config: Config = {key: _plain(key, value, layer) for key, value in piece.config.items()}
    for key, (allowed, why) in ONLY.get(kind, {}).items():
        if config.get(key) not in allowed:
            raise cannot(layer, kind, f"it has {key}={config[key]!r}, and {why}")
    for key in _IGNORED + (_NOT_SEPARABLE if kind == "SeparableConv2D" else ()):
        config.pop(key, None)
    return config


#: No format of a browser has these.
_IN_FRONT = ("HashedCrossing", "Hashing", "StringLookup", "TextVectorization")


def lacking(layer: str, kind: str) -> PipelineError:
    """The error that says that TF.js does not know a layer at all."""
    why = "TF.js has no such layer"
    if kind not in _IN_FRONT:
        return cannot(layer, kind, why)
    return cannot(layer, kind, why, "compute it in front of the model: no browser format has it")


def _plain(key: str, value: Any, layer: str) -> Any:
    """One value of a config, without the modules and registered names of Python."""
    if key in ("layer", "backward_layer") and isinstance(value, dict):
        inner = Piece(value["class_name"], value["config"])
        return {"class_name": inner.class_name, "config": checked(inner, layer)}
    plain = next((rule for ending, rule in _RULES.items() if key.endswith(ending)), None)
    return plain(value, layer) if plain else value


def _object(value: Any, layer: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {"class_name": value["class_name"], "config": value["config"]}


def _dtype(value: Any, layer: str) -> str:
    """TF.js' own; the values of others are taken to these before a model gets them."""
    name = str(value["config"]["name"] if isinstance(value, dict) else value)
    name = name.removeprefix("mixed_")
    name = {**SINGLE, "int64": "int32"}.get(name, name)
    if name not in ("float32", "int32", "bool"):
        raise cannot(layer, name, "TF.js' layers compute in float32")
    return name


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
