"""Norms that TF.js lacks, or has along other axes or of fewer of them."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    dense,
    fixed_sizes,
    own_weights,
    permute,
    rescaling,
    reshape,
)
from pipeline.tensors.arrays import Array, np

#: TF.js norms tensors of at most so many axes, the batch among them.
_MOST_AXES = 4


def affine(name: str, scale: Array, offset: Array) -> Piece:
    """``x * scale + offset`` of each channel, as a batch norm of what is normal already."""
    weights = {
        "gamma": np.asarray(scale, np.float32),
        "beta": np.asarray(offset, np.float32),
        "moving_mean": np.zeros(scale.shape, np.float32),
        "moving_variance": np.ones(scale.shape, np.float32),
    }
    config = {"name": name, "axis": -1, "epsilon": 0.0}
    return Piece("BatchNormalization", config, weights=weights)


def _axes(layer: Any) -> list[int]:
    """Counted from the start."""
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    rank = len(layer.input_shape)
    return [axis % rank for axis in axes]


def _batch(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js' wasm computes wrong numbers along other axes than the last one."""
    rank, axes = len(layer.input_shape), _axes(layer)
    if len(axes) > 1:
        raise cannot(layer.name, "BatchNormalization", "it has more than one axis")
    name, config = layer.name, {**entry["config"], "axis": -1}
    if axes == [rank - 1]:
        norm = Piece("BatchNormalization", config)
        return _flattened(layer, norm) if rank > _MOST_AXES else [norm]
    if rank > _MOST_AXES:
        raise cannot(name, "BatchNormalization", "TF.js norms the channels of volumes alone")
    (axis,) = axes
    others = [other for other in range(1, rank) if other != axis]
    back = [[*others, axis].index(other) + 1 for other in range(1, rank)]
    return chain(
        permute(f"{name}_last", [*others, axis]),
        Piece("BatchNormalization", {**config, "name": f"{name}_norm"}),
        permute(name, back),
    )


def _layer(entry: Config, layer: Any) -> list[Piece] | None:
    rank, axes = len(layer.input_shape), _axes(layer)
    if rank <= _MOST_AXES:
        return None
    if axes != [rank - 1]:
        raise cannot(layer.name, "LayerNormalization", "TF.js norms the channels of volumes alone")
    return _flattened(layer, Piece("LayerNormalization", {**entry["config"], "axis": -1}))


def _flattened(layer: Any, norm: Piece) -> list[Piece]:
    """A norm of channels over all points at once."""
    sizes, _ = fixed_sizes(layer)
    config = {**norm.config, "name": f"{layer.name}_norm"}
    return chain(
        reshape(f"{layer.name}_points", [int(np.prod(sizes[:-1])), sizes[-1]]),
        Piece(norm.class_name, config, weights=norm.weights),
        reshape(layer.name, sizes),
    )


def _groups(entry: Config, layer: Any) -> list[Piece]:
    """Wu & He 2018, arXiv:1803.08494: a layer norm of each group, then each channel's own scale."""
    name, (sizes, _) = layer.name, fixed_sizes(layer)
    points, channels = int(np.prod(sizes[:-1])), sizes[-1]
    if _axes(layer) != [len(sizes)]:
        raise cannot(name, "GroupNormalization", "its axis is not the last one")
    groups = channels if layer.groups == -1 else layer.groups
    weights = dict(own_weights(layer))
    plain = {"axis": [2, 3], "center": False, "scale": False, "epsilon": layer.epsilon}
    return chain(
        reshape(f"{name}_grouped", [points, groups, channels // groups]),
        permute(f"{name}_apart", [2, 1, 3]),
        Piece("LayerNormalization", {"name": f"{name}_norm", **plain}),
        permute(f"{name}_together", [2, 1, 3]),
        reshape(f"{name}_points", [points, channels]),
        affine(
            f"{name}_affine",
            weights.get("gamma", np.ones(channels, np.float32)),
            weights.get("beta", np.zeros(channels, np.float32)),
        ),
        reshape(name, sizes),
    )


#: Added to the squares of a vector, which may be all zeros (``keras.ops.normalize``).
_LEAST = 1e-12


def _unit(entry: Config, layer: Any) -> list[Piece]:
    """``x / |x|``: of x and -x together the mean is 0 and the variance is the mean square."""
    name, (sizes, _) = layer.name, fixed_sizes(layer)
    if _axes(layer) != [len(sizes)]:
        raise cannot(name, "UnitNormalization", "its axis is not the last one")
    points, channels = int(np.prod(sizes[:-1])), sizes[-1]
    norm = {"axis": [2, 3], "center": False, "scale": False, "epsilon": _LEAST / channels}
    half = np.array([[channels**-0.5], [0]], np.float32)
    first, minus = reshape(f"{name}_points", [points, channels, 1]), f"{name}_minus"
    negative = rescaling(minus, -1.0)
    pair = Piece("Concatenate", {"name": f"{name}_pair", "axis": -1}, (first.name, minus))
    _, *others = chain(
        pair,
        Piece("LayerNormalization", {"name": f"{name}_norm", **norm}),
        dense(f"{name}_half", half),
        reshape(name, sizes),
    )
    return [*chain(first, negative), pair, *others]


def _normalization(entry: Config, layer: Any) -> list[Piece]:
    """A mean and a variance for each channel, as a batch norm; one of all, as a scale."""
    import tf_keras

    name, rank = entry["config"]["name"], len(layer.input_shape)
    mean = np.asarray(layer.mean, np.float64).ravel()
    spread = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), tf_keras.backend.epsilon())
    spread = spread.ravel()
    scale, offset = (spread, mean) if layer.invert else (1 / spread, -mean / spread)
    if not layer.axis:
        return [rescaling(name, scale[0], offset[0])]
    if list(layer.axis) not in ([rank - 1], [-1]):
        raise cannot(name, "Normalization", "TF.js normalizes channels, and these are other axes")
    if layer.invert:
        return _scaled(layer, spread, mean)
    weights = {"moving_mean": mean, "moving_variance": spread**2}
    config = {"name": name, "axis": -1, "epsilon": 0.0, "center": False, "scale": False}
    return _placed(layer, Piece("BatchNormalization", config, weights=weights))


def _scaled(layer: Any, scale: Any, offset: Any) -> list[Piece]:
    """A factor and a shift for each channel."""
    shape = (int(layer.input_shape[-1]),)
    both = (np.broadcast_to(np.asarray(array, np.float32), shape) for array in (scale, offset))
    return _placed(layer, affine(layer.name, *both))


def _placed(layer: Any, norm: Piece) -> list[Piece]:
    return _flattened(layer, norm) if len(layer.input_shape) > _MOST_AXES else [norm]


def _layer_scale(entry: Config, layer: Any) -> list[Piece]:
    return _scaled(layer, layer.gamma, 0.0)


def _rescaling(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js takes one number for all channels."""
    if isinstance(layer.scale, int | float) and isinstance(layer.offset, int | float):
        return None
    return _scaled(layer, layer.scale, layer.offset)


REWRITES: dict[str, Rewrite] = {
    "BatchNormalization": _batch,
    "GroupNormalization": _groups,
    "LayerNormalization": _layer,
    "LayerScale": _layer_scale,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "UnitNormalization": _unit,
}
