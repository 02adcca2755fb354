"""Layers that TF.js lacks or computes otherwise, rewritten into layers that it has.

Each rewrite is proved by loading its result in TF.js (tests/export/test_tfjs_layers.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.export.tfjs_graph.strides import last, pads
from pipeline.export.tfjs_layers.attention import attention
from pipeline.export.tfjs_layers.piece import Config, Piece, cannot, chain
from pipeline.export.tfjs_layers.resample import center_crop, resampled, upsampled
from pipeline.tensors.arrays import np


def _keepdims(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js ignores keepdims: pool, then give the dimensions back."""
    config = dict(entry["config"])
    if not config.pop("keepdims", False):
        return None
    name, shape = config["name"], [int(size) for size in layer.output_shape[1:]]
    return [
        Piece(entry["class_name"], {**config, "name": f"{name}_pool"}),
        Piece("Reshape", {"name": name, "target_shape": shape}, (f"{name}_pool",)),
    ]


def _leaky(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js' ReLU ignores negative_slope."""
    config = entry["config"]
    slope = config.get("negative_slope") or 0
    if not slope:
        return None
    if config.get("max_value") is not None:
        raise cannot(config["name"], "ReLU", "it has both negative_slope and max_value")
    return [Piece("LeakyReLU", {"name": config["name"], "alpha": slope})]


def _spatial_dropout(entry: Config, layer: Any) -> list[Piece]:
    """No dropout acts in inference; in training whole channels become single values."""
    config = entry["config"]
    return [Piece("Dropout", {"name": config["name"], "rate": config["rate"]})]


def _strided(entry: Config, layer: Any) -> list[Piece] | None:
    """Padding "same" of strides over the kernel, which TF.js' wasm computes as zeros, written out.

    See ``tfjs_graph/strides.py``; of images of any size it stays, and gates tell.
    """
    config = dict(entry["config"])
    axes = list(zip(layer.input_shape[1:-1], layer.kernel_size, layer.strides, strict=True))
    if config["padding"] != "same" or layer.data_format != "channels_last":
        return None
    if not all(n for n, *_ in axes) or all(last(n, stride) <= size for n, size, stride in axes):
        return None
    name, config["padding"] = config["name"], "valid"
    margins = [pads(*axis) for axis in axes]
    if not any(map(any, margins)):
        return [Piece(entry["class_name"], config)]
    padding = margins[0] if len(margins) == 1 else margins
    return [
        Piece(f"ZeroPadding{len(margins)}D", {"name": f"{name}_pad", "padding": padding}),
        Piece(entry["class_name"], config, (f"{name}_pad",)),
    ]


#: Change their input in training alone.
AUGMENTATIONS = (
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomHeight", "RandomRotation"),
    *("RandomTranslation", "RandomWidth", "RandomZoom"),
)


def _nothing(entry: Config, layer: Any) -> list[Piece]:
    """In TF.js models run and are trained further, on samples that the page has augmented."""
    return [Piece("Activation", {"name": entry["name"], "activation": "linear"})]


def _reshape(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js leaves a -1 open where the batch is."""
    name, shape = entry["config"]["name"], layer.output_shape[1:]
    if -1 not in entry["config"]["target_shape"] or None in shape:
        return None
    return [Piece("Reshape", {"name": name, "target_shape": [int(size) for size in shape]})]


def _flat_image(entry: Config, layer: Any, kind: str, config: Config) -> list[Piece]:
    """What TF.js has for images only, of a sequence as an image that is one pixel wide."""
    name, steps, (length, channels) = _steps(entry, layer)
    return chain(
        Piece("Reshape", {"name": f"{name}_image", "target_shape": [steps, 1, channels]}),
        Piece(kind, {"name": f"{name}_image_{kind.lower()}", **config}),
        Piece("Reshape", {"name": name, "target_shape": [length, channels]}),
    )


def _steps(entry: Config, layer: Any) -> tuple[str, int, tuple[int, int]]:
    name, before, after = entry["name"], layer.input_shape[1:], layer.output_shape[1:]
    if None in (*before, *after):
        raise cannot(name, entry["class_name"], "TF.js lacks it where the number of steps is free")
    return name, int(before[0]), (int(after[0]), int(after[1]))


def _padding(entry: Config, layer: Any) -> list[Piece]:
    before, after = layer.padding
    return _flat_image(entry, layer, "ZeroPadding2D", {"padding": [[before, after], [0, 0]]})


def _cropping(entry: Config, layer: Any) -> list[Piece]:
    before, after = layer.cropping
    return _flat_image(entry, layer, "Cropping2D", {"cropping": [[before, after], [0, 0]]})


def _repeated(entry: Config, layer: Any) -> list[Piece]:
    return _flat_image(
        entry, layer, "UpSampling2D", {"size": [layer.size, 1], "interpolation": "nearest"}
    )


def _causal(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js lacks causal padding: zeros in front, then a convolution without padding."""
    config = entry["config"]
    if config.get("padding") != "causal":
        return None
    name, shape = config["name"], layer.input_shape[1:]
    if None in shape:
        raise cannot(name, "Conv1D", "TF.js lacks causal padding where the number of steps is free")
    zeros = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    steps, channels = (int(size) for size in shape)
    return chain(
        Piece("Reshape", {"name": f"{name}_image", "target_shape": [steps, 1, channels]}),
        Piece("ZeroPadding2D", {"name": f"{name}_pad", "padding": [[zeros, 0], [0, 0]]}),
        Piece("Reshape", {"name": f"{name}_steps", "target_shape": [steps + zeros, channels]}),
        Piece("Conv1D", {**config, "padding": "valid"}),
    )


def _subtract(entry: Config, layer: Any) -> list[Piece]:
    return _plus(entry["config"]["name"], "minus", -1.0)


def _plus(name: str, suffix: str, scale: float) -> list[Piece]:
    """The first input and a multiple of the second."""
    other = f"{name}_{suffix}"
    scaled = Piece("Rescaling", {"name": other, "scale": scale, "offset": 0.0}, (1,))
    return [scaled, Piece("Add", {"name": name}, (0, other))]


def _normalization(entry: Config, layer: Any) -> list[Piece]:
    """A mean and a variance for each channel, as a batch norm; one of all, as a scale."""
    import tf_keras

    name, rank = entry["config"]["name"], len(layer.input_shape)
    mean = np.asarray(layer.mean, np.float64).ravel()
    spread = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), tf_keras.backend.epsilon())
    spread = spread.ravel()
    scale, offset = (spread, mean) if layer.invert else (1 / spread, -mean / spread)
    if not layer.axis:
        config = {"name": name, "scale": float(scale[0]), "offset": float(offset[0])}
        return [Piece("Rescaling", config)]
    if list(layer.axis) not in ([rank - 1], [-1]):
        raise cannot(name, "Normalization", "TF.js normalizes channels, and these are other axes")
    if layer.invert:
        return _affine(layer, spread, mean)
    weights = {"moving_mean": mean, "moving_variance": spread**2}
    config = {"name": name, "axis": rank - 1, "epsilon": 0.0, "center": False, "scale": False}
    return [Piece("BatchNormalization", config, weights=weights)]


def _affine(layer: Any, scale: Any, offset: Any) -> list[Piece]:
    """A factor and a shift for each channel, as a batch norm of what is normal already."""
    axis = len(layer.input_shape) - 1
    shape = (int(layer.input_shape[-1]),)
    weights = {
        "gamma": np.broadcast_to(np.asarray(scale, np.float32), shape),
        "beta": np.broadcast_to(np.asarray(offset, np.float32), shape),
        "moving_mean": np.zeros(shape, np.float32),
        "moving_variance": np.ones(shape, np.float32),
    }
    config = {"name": layer.name, "axis": axis, "epsilon": 0.0}
    return [Piece("BatchNormalization", config, weights=weights)]


def _layer_scale(entry: Config, layer: Any) -> list[Piece]:
    return _affine(layer, layer.gamma, 0.0)


def _rescaling(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js takes one number for all channels."""
    if isinstance(layer.scale, int | float) and isinstance(layer.offset, int | float):
        return None
    return _affine(layer, layer.scale, layer.offset)


def _scaled_sum(entry: Config, layer: Any) -> list[Piece]:
    return _plus(entry["config"]["name"], "scale", float(layer.scale))


_ARITHMETIC = {
    **{"math.add": "Add", "__operators__.add": "Add", "__operators__.radd": "Add"},
    **{"math.multiply": "Multiply", "__operators__.mul": "Multiply"},
    **{"__operators__.rmul": "Multiply", "math.subtract": "Sub", "__operators__.sub": "Sub"},
    **{"math.divide": "Div", "math.truediv": "Div", "__operators__.truediv": "Div"},
}
_FUNCTIONS = {
    **{"nn.relu": "relu", "nn.relu6": "relu6", "math.sigmoid": "sigmoid", "nn.sigmoid": "sigmoid"},
    **{"math.tanh": "tanh", "nn.tanh": "tanh", "nn.silu": "swish", "nn.swish": "swish"},
}


def _operation(entry: Config, layer: Any) -> list[Piece]:
    """``x + 3.0``, ``x * y``, ``tf.nn.relu(x)`` between layers, as layers."""
    name, function = entry["name"], entry["config"]["function"]
    if function in _FUNCTIONS:
        return [Piece("Activation", {"name": name, "activation": _FUNCTIONS[function]})]
    kind = _ARITHMETIC.get(function)
    if kind is None or len(entry["inbound_nodes"]) != 1:
        raise cannot(name, f"tf.{function}", "TF.js has no such layer")
    (node,) = entry["inbound_nodes"]
    number = _number(node)
    if number is not None:
        scale = {"Multiply": number, "Div": 1 / (number or 1)}.get(kind, 1.0)
        offset = {"Add": number, "Sub": -number}.get(kind, 0.0)
        return [Piece("Rescaling", {"name": name, "scale": scale, "offset": offset})]
    if kind not in ("Add", "Multiply") or len(operands(node)) != 2:
        raise cannot(name, f"tf.{function}", "TF.js has no layer for it on these operands")
    return [Piece(kind, {"name": name})]


def _number(node: list[Any]) -> float | None:
    """The constant right operand of a call such as ``[["x", 0, 0, {"y": 3.0}]]``."""
    value = node[0][3].get("y") if len(node[0]) > 3 else None
    return float(value) if isinstance(value, (int, float)) else None


def operands(node: list[Any]) -> list[Any]:
    """The tensors of a call, with one given by keyword: ``[["x", 0, 0, {"y": ["z", 0, 0]}]]``."""
    other = node[0][3].get("y") if len(node[0]) > 3 else None
    return [*node, other] if isinstance(other, list) else node


REWRITES: dict[str, Callable[[Config, Any], list[Piece] | None]] = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2D", "SeparableConv2D"), _strided),
    "CenterCrop": center_crop,
    "Conv1D": _causal,
    "Cropping1D": _cropping,
    "CustomScaleLayer": _scaled_sum,
    "GlobalAveragePooling1D": _keepdims,
    "GlobalAveragePooling2D": _keepdims,
    "GlobalMaxPooling1D": _keepdims,
    "GlobalMaxPooling2D": _keepdims,
    "LayerScale": _layer_scale,
    "MultiHeadAttention": attention,
    "Normalization": _normalization,
    "ReLU": _leaky,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Resizing": resampled,
    "SpatialDropout2D": _spatial_dropout,
    "Subtract": _subtract,
    "TFOpLambda": _operation,
    "UpSampling1D": _repeated,
    "UpSampling2D": upsampled,
    "ZeroPadding1D": _padding,
    **dict.fromkeys((*AUGMENTATIONS, "StochasticDepth"), _nothing),
}
"""Layer -> the layers that do the same in TF.js; None where this one needs no rewriting."""
