"""What TF.js has for images alone, of sequences: as images that are one pixel wide."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_graph.strides import pads
from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    fixed_sizes,
    own_weights,
    reshape,
)
from pipeline.export.tfjs_layers.rewrites.kernels import spread, ungroup
from pipeline.tensors.arrays import Array

#: Meaningless in two dimensions, or written out.
_OF_STEPS = ("kernel_size", "strides", "padding", "dilation_rate", "data_format", "output_padding")


def _as_image(layer: Any, *pieces: Piece) -> list[Piece]:
    (steps, channels), after = fixed_sizes(layer)
    return chain(
        reshape(f"{layer.name}_image", [steps, 1, channels]), *pieces, reshape(layer.name, after)
    )


def _resized(kind: str, options: Any) -> Rewrite:
    def rewrite(entry: Config, layer: Any) -> list[Piece]:
        config = {"name": f"{layer.name}_image_{kind.lower()}", **options(layer)}
        return _as_image(layer, Piece(kind, config))

    return rewrite


def _depthwise(entry: Config, layer: Any) -> list[Piece]:
    return _convolved(entry, layer, "DepthwiseConv2D")


def _separable(entry: Config, layer: Any) -> list[Piece]:
    return _convolved(entry, layer, "SeparableConv2D")


def _convolved(entry: Config, layer: Any, kind: str) -> list[Piece]:
    """With what its padding adds written out, and the gaps of a dilated kernel filled by zeros."""
    name, (rate,), (stride,) = layer.name, layer.dilation_rate, layer.strides
    weights = {key: _wide(key, value, rate) for key, value in own_weights(layer)}
    size = weights["depthwise_kernel"].shape[0]
    before, behind = _margins(layer, size)
    config = {key: value for key, value in entry["config"].items() if key not in _OF_STEPS}
    config |= {"name": f"{name}_steps", "kernel_size": [size, 1], "strides": [stride, stride]}
    pieces = [Piece(kind, {**config, "padding": "valid"}, weights=weights)]
    if before or behind:
        margins = {"name": f"{name}_pad", "padding": [[before, behind], [0, 0]]}
        pieces.insert(0, Piece("ZeroPadding2D", margins))
    return _as_image(layer, *pieces)


def _wide(key: str, value: Array, rate: int) -> Array:
    """A kernel [steps, …] as [steps, 1, …]."""
    if key == "depthwise_kernel":
        return spread(value, [rate])[:, None]
    return value[:, None] if key.endswith("kernel") else value


def _margins(layer: Any, size: int) -> tuple[int, int]:
    """How many zeros a padding adds before and behind, of a kernel of this size."""
    if layer.padding == "same":
        before, behind = pads(int(layer.input_shape[1]), size, layer.strides[0])
        return before, behind
    return (size - 1 if layer.padding == "causal" else 0), 0


def _turned(entry: Config, layer: Any) -> list[Piece]:
    """A transposed convolution."""
    if layer.output_padding is not None or layer.dilation_rate != (1,):
        raise cannot(layer.name, "Conv1DTranspose", "it has output_padding or dilation_rate")
    config = {key: value for key, value in entry["config"].items() if key not in _OF_STEPS}
    config |= {"name": f"{layer.name}_steps", "padding": layer.padding}
    config |= {"kernel_size": [*layer.kernel_size, 1], "strides": [*layer.strides, 1]}
    weights = {
        key: value[:, None] if key == "kernel" else value for key, value in own_weights(layer)
    }
    return _as_image(layer, Piece("Conv2DTranspose", config, weights=weights))


def _convolution(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js lacks causal padding, zeros in front, and groups."""
    config, name = {**entry["config"], "groups": 1}, layer.name
    weights = ungroup(layer)
    if layer.padding != "causal":
        return None if weights is None else [Piece("Conv1D", config, weights=weights)]
    (steps, channels), _ = fixed_sizes(layer)
    zeros = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    return chain(
        reshape(f"{name}_image", [steps, 1, channels]),
        Piece("ZeroPadding2D", {"name": f"{name}_pad", "padding": [[zeros, 0], [0, 0]]}),
        reshape(f"{name}_steps", [steps + zeros, channels]),
        Piece("Conv1D", {**config, "padding": "valid"}, weights=weights),
    )


def _recurrent(entry: Config, layer: Any) -> list[Piece]:
    """A recurrent convolution of lines."""
    if layer.return_state or len(entry["inbound_nodes"][0]) > 1:
        raise cannot(layer.name, "ConvLSTM1D", "states go in or out")
    (steps, length, channels), after = fixed_sizes(layer)
    config = {key: value for key, value in entry["config"].items() if key not in _OF_STEPS}
    config |= {"name": f"{layer.name}_images", "padding": layer.cell.padding}
    for key in ("kernel_size", "strides", "dilation_rate"):
        config[key] = [*getattr(layer.cell, key), 1]
    weights = {
        key: value[:, None] if key.endswith("kernel") else value
        for key, value in own_weights(layer)
    }
    return chain(
        reshape(f"{layer.name}_image", [steps, length, 1, channels]),
        Piece("ConvLSTM2D", config, weights=weights),
        reshape(layer.name, after),
    )


REWRITES: dict[str, Rewrite] = {
    "Conv1D": _convolution,
    "Conv1DTranspose": _turned,
    "ConvLSTM1D": _recurrent,
    "Cropping1D": _resized("Cropping2D", lambda layer: {"cropping": [layer.cropping, [0, 0]]}),
    "DepthwiseConv1D": _depthwise,
    "SeparableConv1D": _separable,
    "UpSampling1D": _resized(
        "UpSampling2D", lambda layer: {"size": [layer.size, 1], "interpolation": "nearest"}
    ),
    "ZeroPadding1D": _resized("ZeroPadding2D", lambda layer: {"padding": [layer.padding, [0, 0]]}),
}
