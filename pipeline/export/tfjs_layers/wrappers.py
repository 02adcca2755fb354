"""``TimeDistributed`` of a layer that is rewritten: of each of its pieces."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import (
    OWN,
    Config,
    Piece,
    Rewrite,
    cannot,
    chain,
    own_weights,
)
from pipeline.export.tfjs_layers.rewrites import REWRITES


def _each_step(entry: Config, layer: Any) -> list[Piece] | None:
    import tf_keras

    inner, config = layer.layer, entry["config"]["layer"]
    kind, name = config["class_name"], layer.name
    if kind not in REWRITES:
        return None
    inner(tf_keras.Input(layer.input_shape[2:]))  # Rewrites read the shapes of its own call.
    inner_config = {**config, "name": inner.name, "inbound_nodes": []}
    pieces = REWRITES[kind](inner_config, inner)
    if pieces is None:
        return None
    if [piece.inputs for piece in pieces] != [(OWN,), *((p.name,) for p in pieces[:-1])]:
        raise cannot(name, f"TimeDistributed {kind}", "its layers in TF.js are no chain")
    return chain(*(_wrap(piece, inner, name, piece is pieces[-1]) for piece in pieces))


def _wrap(piece: Piece, inner: Any, name: str, is_last: bool) -> Piece:
    weights = piece.weights
    if weights is None and piece.class_name == type(inner).__name__:
        weights = dict(own_weights(inner))
    layer = {"class_name": piece.class_name, "config": piece.config}
    config = {"name": name if is_last else f"{name}_{piece.name}", "layer": layer}
    return Piece("TimeDistributed", config, weights=weights or {})


WRAPPERS: dict[str, Rewrite] = {"TimeDistributed": _each_step}
