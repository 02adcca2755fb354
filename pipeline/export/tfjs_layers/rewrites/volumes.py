"""What TF.js has for images alone, or computes wrongly, of volumes: as images, twice.

``MaxPool3D`` on wasm begins each maximum with the smallest positive number: what is all negative
is lost (TF.js 4.22).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

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


def _in_two(
    name: str, sizes: Sequence[int], after: Sequence[int], kind: str, both: tuple[Config, Config]
) -> list[Piece]:
    """A layer of images over the depth and the rows, then one over the columns."""
    (first, second), (depth, rows, columns, channels) = both, sizes
    return chain(
        reshape(f"{name}_rows", [depth, rows, columns * channels]),
        Piece(kind, {**first, "name": f"{name}_rows_{kind.lower()}"}),
        reshape(f"{name}_columns", [after[0] * after[1], columns, channels]),
        Piece(kind, {**second, "name": f"{name}_columns_{kind.lower()}"}),
        reshape(name, after),
    )


def _margins(kind: str, key: str) -> Rewrite:
    """What is added or taken away at the six sides."""

    def rewrite(entry: Config, layer: Any) -> list[Piece]:
        *rows, columns = getattr(layer, key)
        sides = {key: rows}, {key: [[0, 0], columns]}
        return _in_two(layer.name, *fixed_sizes(layer), kind, sides)

    return rewrite


def _repeated(entry: Config, layer: Any) -> list[Piece]:
    *rows, columns = layer.size
    usual = {"interpolation": "nearest"}
    sizes = {**usual, "size": rows}, {**usual, "size": [1, columns]}
    return _in_two(layer.name, *fixed_sizes(layer), "UpSampling2D", sizes)


def _largest(entry: Config, layer: Any) -> list[Piece] | None:
    """Where sizes are free it stays, and gates tell."""
    if None in layer.input_shape[1:] or layer.data_format != "channels_last":
        return None

    def window(sizes: Sequence[int], strides: Sequence[int]) -> Config:
        return {"pool_size": list(sizes), "strides": list(strides), "padding": layer.padding}

    *sizes, size = layer.pool_size
    *strides, stride = layer.strides
    both = window(sizes, strides), window([1, size], [1, stride])
    return _in_two(layer.name, *fixed_sizes(layer), "MaxPooling2D", both)


def _of_all(kind: str) -> Rewrite:
    """One value of a whole volume is that of a sequence of its points."""

    def rewrite(entry: Config, layer: Any) -> list[Piece]:
        (depth, rows, columns, channels), after = fixed_sizes(layer)
        points = reshape(f"{layer.name}_points", [depth * rows * columns, channels])
        pool = Piece(kind, {"name": f"{layer.name}_pool" if layer.keepdims else layer.name})
        return chain(points, pool, *([reshape(layer.name, after)] if layer.keepdims else []))

    return rewrite


def _turned(entry: Config, layer: Any) -> list[Piece]:
    """A transposed convolution, which TF.js' wasm computes wrongly.

    Zeros between the points, then a convolution by the mirrored kernel (Dumoulin & Visin 2016,
    arXiv:1603.07285, section 4).
    """
    name, (sizes, _) = layer.name, fixed_sizes(layer)
    if layer.output_padding is not None or layer.dilation_rate != (1, 1, 1):
        raise cannot(name, "Conv3DTranspose", "it has output_padding or dilation_rate")
    weights = dict(own_weights(layer))
    weights["kernel"] = weights["kernel"][::-1, ::-1, ::-1].swapaxes(3, 4)
    spaced = [size * stride for size, stride in zip(sizes, layer.strides, strict=False)]
    margins = [
        _outside(size, stride, layer.padding)
        for size, stride in zip(layer.kernel_size, layer.strides, strict=True)
    ]
    padded = [size + sum(margin) for size, margin in zip(spaced, margins, strict=True)]
    sides = {"padding": margins[:2]}, {"padding": [[0, 0], margins[2]]}
    channels = sizes[-1:]
    config = {**entry["config"], "padding": "valid", "strides": [1, 1, 1]}
    del config["output_padding"]
    return chain(
        *_spread(name, sizes, layer.strides),
        *_in_two(f"{name}_pad", spaced + channels, padded + channels, "ZeroPadding2D", sides),
        Piece("Conv3D", config, weights=weights),
    )


def _outside(size: int, stride: int, padding: str) -> tuple[int, int]:
    """How many zeros stand in front of all points, and behind them and their own zeros."""
    short = max(size - stride, 0)
    return (size - 1, short) if padding == "valid" else (size - 1 - short // 2, short // 2)


def _spread(name: str, sizes: Sequence[int], strides: Sequence[int]) -> list[Piece]:
    """Zeros behind each point, along each axis that has a stride."""
    pieces, sizes = [], list(sizes)
    for axis, stride in enumerate(strides):
        if stride == 1:
            continue
        before, behind = prod(sizes[: axis + 1]), prod(sizes[axis + 1 :])
        zeros = {"name": f"{name}_zeros{axis}", "padding": [[0, 0], [0, stride - 1]]}
        pieces += [
            reshape(f"{name}_axis{axis}", [before, 1, behind]),
            Piece("ZeroPadding2D", zeros),
        ]
        sizes[axis] *= stride
    return pieces


REWRITES: dict[str, Rewrite] = {
    "Conv3DTranspose": _turned,
    "Cropping3D": _margins("Cropping2D", "cropping"),
    "GlobalAveragePooling3D": _of_all("GlobalAveragePooling1D"),
    "GlobalMaxPooling3D": _of_all("GlobalMaxPooling1D"),
    "MaxPooling3D": _largest,
    "UpSampling3D": _repeated,
    "ZeroPadding3D": _margins("ZeroPadding2D", "padding"),
}
