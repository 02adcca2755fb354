"""Attention as products, a softmax and sums (Luong et al. 2015, arXiv:1508.04025; Bahdanau et al.
2015, arXiv:1409.0473), and what hides the steps to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.export.tfjs_layers.piece import (
    Config,
    Piece,
    Rewrite,
    cannot,
    dense,
    own_weights,
    rescaling,
    reshape,
)
from pipeline.tensors.arrays import np

#: Added to the scores of what is hidden, as Keras does.
_HIDDEN = -1e9

Shape = Sequence[int | None]


def hides_future(name: str, kind: str, entry: Config) -> bool:
    """Whether every call of a layer, or none, is to read no later step than its own."""
    calls = [node[0][3] if len(node[0]) > 3 else {} for node in entry["inbound_nodes"]]
    flags = {bool(call.get("use_causal_mask")) for call in calls}
    if len(flags) > 1:
        raise cannot(name, kind, "only some of its calls have use_causal_mask")
    return flags == {True}


def steps(name: str, layer: Any) -> tuple[int, int]:
    """How many steps its query has, and its value."""
    shapes = layer.input_shape
    first, second = shapes[:2] if isinstance(shapes, list) else (shapes, shapes)
    if first[1] is None or second[1] is None:
        raise cannot(name, type(layer).__name__, "it is causal, and the number of steps is free")
    return int(first[1]), int(second[1])


def products(name: str, query: str | int, key: str | int) -> Piece:
    """The product of each step of the query with each of the key."""
    return Piece("Dot", {"name": name, "axes": [2, 2], "normalize": False}, (query, key))


def mean(prefix: str, causal: tuple[int, int] | None, value: str | int, name: str) -> list[Piece]:
    """What is behind ``{prefix}_scores``: their softmax, and the mean of values by it."""
    scores = f"{prefix}_scores"
    hiding = _hidden(scores, *causal) if causal else []
    shares = {"name": f"{prefix}_shares", "activation": "softmax"}
    source = hiding[-1].name if hiding else scores
    return [
        *hiding,
        Piece("Activation", shares, (source,)),
        Piece("Dot", {"name": name, "axes": [2, 1], "normalize": False}, (shares["name"], value)),
    ]


def _hidden(scores: str, queries: int, keys: int) -> list[Piece]:
    """A constant that is added, as the shift of a batch norm of what is normal already."""
    later = np.where(np.tri(queries, keys, dtype=bool), 0, _HIDDEN).astype(np.float32).ravel()
    weights = {"beta": later, "moving_mean": later * 0, "moving_variance": later * 0 + 1}
    config = {"name": f"{scores}_past", "axis": -1, "epsilon": 0.0, "scale": False}
    flat = reshape(f"{scores}_flat", [queries * keys])
    shifted = Piece("BatchNormalization", config, (flat.name,), weights)
    again = Piece("Reshape", reshape(f"{scores}_causal", [queries, keys]).config, (shifted.name,))
    return [Piece("Reshape", flat.config, (scores,)), shifted, again]


def _attention(entry: Config, layer: Any) -> list[Piece]:
    name, (key, causal) = layer.name, _checked(entry, layer)
    if layer.score_mode != "dot":
        raise cannot(name, "Attention", f"its score_mode is {layer.score_mode}")
    scores = [products(f"{name}_scores", 0, key)]
    if layer.use_scale:
        scale = float(dict(own_weights(layer))["scale"])
        scores = [
            products(f"{name}_products", 0, key),
            rescaling(f"{name}_scores", scale, inputs=(f"{name}_products",)),
        ]
    return [*scores, *mean(name, causal, 1, name)]


def _additive(entry: Config, layer: Any) -> list[Piece]:
    """Each step of the query is added to each of the key."""
    name, (key, causal) = layer.name, _checked(entry, layer)
    queries, keys = steps(name, layer)
    features = int(layer.input_shape[0][2])
    scale = dict(own_weights(layer)).get("scale", np.ones(features, np.float32))
    return [
        Piece("Reshape", reshape(f"{name}_query", [queries, 1, features]).config, (0,)),
        Piece("Reshape", reshape(f"{name}_key", [1, keys, features]).config, (key,)),
        Piece("Add", {"name": f"{name}_sums"}, (f"{name}_query", f"{name}_key")),
        Piece("Activation", {"name": f"{name}_tanh", "activation": "tanh"}, (f"{name}_sums",)),
        dense(f"{name}_weighed", scale.reshape(-1, 1), inputs=(f"{name}_tanh",)),
        Piece("Reshape", reshape(f"{name}_scores", [queries, keys]).config, (f"{name}_weighed",)),
        *mean(name, causal, 1, name),
    ]


def _checked(entry: Config, layer: Any) -> tuple[int, tuple[int, int] | None]:
    """Which input is the key, and how many steps are hidden from how many, if any are."""
    name, kind = layer.name, type(layer).__name__
    for node in entry["inbound_nodes"]:
        if len(node[0]) > 3 and node[0][3].get("return_attention_scores"):
            raise cannot(name, kind, "it is called with return_attention_scores")
    key = 2 if len(entry["inbound_nodes"][0]) > 2 else 1
    return key, steps(name, layer) if hides_future(name, kind, entry) else None


REWRITES: dict[str, Rewrite] = {"AdditiveAttention": _additive, "Attention": _attention}
