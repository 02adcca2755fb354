"""Layers that TF.js lacks or computes otherwise, rewritten into layers that it has.

Each rewrite is proved by loading its result in TF.js (tests/export/test_tfjs_layers.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import PipelineError

#: The name of a rewritten layer's own inputs.
OWN = ""

Config = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """One of the layers that replace a layer; the last has the layer's own name."""

    class_name: str
    config: Config
    inputs: tuple[str, ...] = (OWN,)
    """Names of pieces before it, or ``OWN``."""


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
    last = [(n - 1) % stride + 1 if n else 0 for n, _, stride in axes]
    short = any(left > size for left, (_, size, _) in zip(last, axes, strict=True))
    if config["padding"] != "same" or layer.data_format != "channels_last" or not short:
        return None
    totals = [max(size - left, 0) for left, (_, size, _) in zip(last, axes, strict=True)]
    name, config["padding"] = config["name"], "valid"
    if not all(last) or not any(totals):
        return [Piece(entry["class_name"], config)] if all(last) else None
    pads = [[total // 2, total - total // 2] for total in totals]
    padding = pads[0] if len(pads) == 1 else pads
    return [
        Piece(f"ZeroPadding{len(pads)}D", {"name": f"{name}_pad", "padding": padding}),
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
    "GlobalAveragePooling1D": _keepdims,
    "GlobalAveragePooling2D": _keepdims,
    "GlobalMaxPooling1D": _keepdims,
    "GlobalMaxPooling2D": _keepdims,
    "ReLU": _leaky,
    "SpatialDropout2D": _spatial_dropout,
    "TFOpLambda": _operation,
    **dict.fromkeys(AUGMENTATIONS, _nothing),
}
"""Layer -> the layers that do the same in TF.js; None where this one needs no rewriting."""


def cannot(layer: str, kind: str, why: str) -> PipelineError:
    """The error that names a layer which TF.js cannot hold."""
    return PipelineError(
        f"layer {layer!r} ({kind}) cannot be a TF.js layer: {why}",
        where="tfjs-layers",
        todo="leave tfjs-layers out of export (tfjs-graph holds the model), or replace that layer",
    )
