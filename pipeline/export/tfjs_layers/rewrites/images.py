"""Convolutions of images (and their groups in volumes), and what pools them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.export.tfjs_graph.strides import last, pads
from pipeline.export.tfjs_layers.piece import Config, Piece, Rewrite, chain, own_weights, reshape
from pipeline.export.tfjs_layers.rewrites.kernels import spread, ungroup


def _convolution(entry: Config, layer: Any) -> list[Piece] | None:
    if layer.groups > 1 and layer.groups == layer.input_shape[-1]:
        return _depthwise(_as_depthwise(entry, layer), layer)
    pieces, weights = _strided(entry, layer), ungroup(layer)
    if weights is None:
        return pieces
    *before, convolution = pieces or [Piece("Conv2D", entry["config"])]
    config = {**convolution.config, "groups": 1}
    return [*before, replace(convolution, config=config, weights=weights)]


def _as_depthwise(entry: Config, layer: Any) -> Config:
    """Of as many groups as channels."""
    config = {
        key: value for key, value in entry["config"].items() if not key.startswith("kernel_i")
    }
    config |= {"groups": 1, "depth_multiplier": layer.filters // layer.groups}
    return {**entry, "class_name": "DepthwiseConv2D", "config": config}


def _depthwise(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js ignores dilation_rate: zeros in the kernel's gaps."""
    rates = layer.dilation_rate
    if rates == (1, 1) and type(layer).__name__ == "DepthwiseConv2D":
        return _strided(entry, layer)
    weights = dict(own_weights(layer))
    kernel = weights.pop("depthwise_kernel", None)
    if kernel is None:
        kernel = weights.pop("kernel")
        kernel = kernel.reshape(*layer.kernel_size, layer.groups, -1)
    kernel = spread(kernel, rates)
    config = {**entry["config"], "dilation_rate": [1, 1], "kernel_size": list(kernel.shape[:2])}
    *before, convolution = _strided({**entry, "config": config}, layer) or [
        Piece("DepthwiseConv2D", config)
    ]
    return [*before, replace(convolution, weights={**weights, "depthwise_kernel": kernel})]


def _volume(entry: Config, layer: Any) -> list[Piece] | None:
    weights = ungroup(layer)
    config = {**entry["config"], "groups": 1}
    return None if weights is None else [Piece("Conv3D", config, weights=weights)]


def _strided(entry: Config, layer: Any) -> list[Piece] | None:
    """Padding "same" of strides over the kernel, which TF.js' wasm computes as zeros, written out.

    See ``tfjs_graph/strides.py``; of images of any size it stays, and gates tell.
    """
    config, kind = dict(entry["config"]), entry["class_name"]
    axes = list(zip(layer.input_shape[1:-1], config["kernel_size"], layer.strides, strict=True))
    if config["padding"] != "same" or layer.data_format != "channels_last":
        return None
    if not all(n for n, *_ in axes) or all(last(n, stride) <= size for n, size, stride in axes):
        return None
    name, config["padding"] = config["name"], "valid"
    margins = [pads(*axis) for axis in axes]
    if not any(map(any, margins)):
        return [Piece(kind, config)]
    return chain(
        Piece("ZeroPadding2D", {"name": f"{name}_pad", "padding": margins}), Piece(kind, config)
    )


def _keepdims(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js ignores keepdims: pool, then give the dimensions back."""
    config = dict(entry["config"])
    if not config.pop("keepdims", False):
        return None
    pool = Piece(entry["class_name"], {**config, "name": f"{layer.name}_pool"})
    return chain(pool, reshape(layer.name, layer.output_shape[1:]))


def _spatial_dropout(entry: Config, layer: Any) -> list[Piece]:
    """No dropout acts in inference; in training whole channels become single values."""
    config = entry["config"]
    return [Piece("Dropout", {"name": config["name"], "rate": config["rate"]})]


REWRITES: dict[str, Rewrite] = {
    "Conv2D": _convolution,
    "Conv3D": _volume,
    "DepthwiseConv2D": _depthwise,
    "GlobalAveragePooling1D": _keepdims,
    "GlobalAveragePooling2D": _keepdims,
    "GlobalMaxPooling1D": _keepdims,
    "GlobalMaxPooling2D": _keepdims,
    "SeparableConv2D": _strided,
    "SpatialDropout2D": _spatial_dropout,
    "SpatialDropout3D": _spatial_dropout,
}
