"""Activations with options that TF.js ignores, and layers that do nothing at inference."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    permute,
    rescaling,
)

#: Change their input in training alone.
AUGMENTATIONS = (
    *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomHeight", "RandomRotation"),
    *("RandomTranslation", "RandomWidth", "RandomZoom"),
)


def _nothing(entry: Config, layer: Any) -> list[Piece]:
    """In TF.js models run and are trained further, on samples that the page has augmented."""
    return [Piece("Activation", {"name": entry["name"], "activation": "linear"})]


def _relu(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js' ReLU knows its max_value only: what is below the threshold is added to that."""
    config, name = entry["config"], layer.name
    slope, threshold = (config.get(key) or 0 for key in ("negative_slope", "threshold"))
    if not slope and not threshold:
        return None
    if threshold < 0:
        raise cannot(name, "ReLU", "its threshold is negative")
    if slope and not threshold and config.get("max_value") is None:
        return [Piece("LeakyReLU", {"name": name, "alpha": slope})]
    above = [Piece("ReLU", {"name": f"{name}_above", "max_value": config.get("max_value")})]
    if threshold:
        above.insert(0, Piece("ThresholdedReLU", {"name": f"{name}_beyond", "theta": threshold}))
    below = [
        rescaling(f"{name}_short", -1.0, threshold),
        Piece("ReLU", {"name": f"{name}_below", "max_value": None}),
        rescaling(f"{name}_slope", -slope),
    ]
    both = Piece("Add", {"name": name}, (f"{name}_above", f"{name}_slope"))
    return [*chain(*above), *chain(*below), both]


def _elu(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js throws at an alpha that is not 1: that much of an ELU, and the rest of a ReLU."""
    name, alpha = layer.name, float(entry["config"]["alpha"])
    if alpha == 1:
        return None
    curved = (Piece("ELU", {"name": f"{name}_curved"}), rescaling(f"{name}_alpha", alpha))
    plain = Piece("ReLU", {"name": f"{name}_plain", "max_value": None})
    both = Piece("Add", {"name": name}, (f"{name}_alpha", f"{name}_rest"))
    return [*chain(*curved), *chain(plain, rescaling(f"{name}_rest", 1 - alpha)), both]


def _softmax(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js has it along one axis if that is the last."""
    rank, axis = len(layer.input_shape), layer.axis
    if not isinstance(axis, int):
        if len(axis) > 1:
            return None
        (axis,) = axis
    name, axis = layer.name, axis % rank
    if axis == rank - 1:
        return [Piece("Softmax", {**entry["config"], "axis": -1})]
    order = list(range(1, rank))
    order[axis - 1], order[-1] = order[-1], order[axis - 1]
    return chain(
        permute(f"{name}_last", order),
        Piece("Softmax", {"name": f"{name}_softmax", "axis": -1}),
        permute(name, order),
    )


REWRITES: dict[str, Rewrite] = {
    "ELU": _elu,
    "ReLU": _relu,
    "Softmax": _softmax,
    **dict.fromkeys(
        (*AUGMENTATIONS, "ActivityRegularization", "Identity", "StochasticDepth"), _nothing
    ),
}
