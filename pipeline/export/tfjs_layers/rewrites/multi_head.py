"""Attention of several heads as layers that a TF.js model can be loaded with.

TF.js 4.22 has MultiHeadAttention, but takes its value as an argument of the call, which no
model.json can hold. Each head is three Dense layers, two products and a softmax, and the heads'
outputs are summed (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.export.tfjs_layers.piece import Config, Piece, Rewrite, cannot, dense
from pipeline.export.tfjs_layers.rewrites.attention import hides_future, mean, products, steps
from pipeline.tensors.arrays import Array

#: Arguments of a call that decide what is computed, and must not be given.
_GIVEN = ("attention_mask", "return_attention_scores")


def _attention(entry: Config, layer: Any) -> list[Piece]:
    """The layers of each head, then their sum.

    Its inputs are the query, the value and the key, as ``operands`` puts them.
    """
    name = entry["config"]["name"]
    _check(name, entry, layer)
    heads = range(int(layer.get_config()["num_heads"]))
    is_causal = hides_future(name, "MultiHeadAttention", entry)
    pieces = [piece for head in heads for piece in _head(name, layer, head, is_causal)]
    outputs = tuple(f"{name}_{head}_output" for head in heads)
    if len(outputs) == 1:
        last = pieces.pop()
        return [*pieces, replace(last, config={**last.config, "name": name})]
    return [*pieces, Piece("Add", {"name": name}, outputs)]


def operands(node: list[Any]) -> list[Any]:
    """The query, the value and the key of a call ``[["x", 0, 0, {"value": ["y", 0, 0]}]]``."""
    query, *others = node
    arguments = query[3] if len(query) > 3 else {}
    value = others[0] if others else arguments["value"]
    key = others[1] if len(others) > 1 else arguments.get("key")
    return [query, value, key or value]


def _check(name: str, entry: Config, layer: Any) -> None:
    kind = "MultiHeadAttention"
    for node in entry["inbound_nodes"]:
        arguments = node[0][3] if len(node[0]) > 3 else {}
        for key in _GIVEN:
            if arguments.get(key) is not None and arguments[key] is not False:
                raise cannot(name, kind, f"it is called with {key}")
    rank = len(layer.output_shape) if not isinstance(layer.output_shape, list) else 0
    if rank != 3 or layer.get_config().get("attention_axes") not in (None, [1], (1,)):
        raise cannot(name, kind, "TF.js multiplies sequences of vectors only")


def _head(name: str, layer: Any, head: int, is_causal: bool) -> list[Piece]:
    config, prefix = layer.get_config(), f"{name}_{head}"
    scale = config["key_dim"] ** -0.5
    weights = _weights(layer)
    return [
        dense(f"{prefix}_query", *_of_head(weights, "query", head, scale), (0,)),
        dense(f"{prefix}_value", *_of_head(weights, "value", head), (1,)),
        dense(f"{prefix}_key", *_of_head(weights, "key", head), (2,)),
        products(f"{prefix}_scores", f"{prefix}_query", f"{prefix}_key"),
        *mean(
            prefix, steps(name, layer) if is_causal else None, f"{prefix}_value", f"{prefix}_mean"
        ),
        dense(f"{prefix}_output", *_output(weights, head), (f"{prefix}_mean",)),
    ]


def _weights(layer: Any) -> dict[str, Array]:
    """``query/kernel`` and so on."""
    names = ("/".join(weight.name.split(":")[0].split("/")[-2:]) for weight in layer.weights)
    return dict(zip(names, layer.get_weights(), strict=True))


def _of_head(
    weights: dict[str, Array], part: str, head: int, scale: float = 1.0
) -> tuple[Array, Array | None]:
    """[features, size] and [size] of one head, of [features, heads, size] and [heads, size]."""
    kernel, bias = weights[f"{part}/kernel"], weights.get(f"{part}/bias")
    return kernel[:, head] * scale, None if bias is None else bias[head] * scale


def _output(weights: dict[str, Array], head: int) -> tuple[Array, Array | None]:
    """[size, features] of one head, of [heads, size, features]; the first adds the bias."""
    bias = weights.get("attention_output/bias") if head == 0 else None
    return weights["attention_output/kernel"][head], bias


REWRITES: dict[str, Rewrite] = {"MultiHeadAttention": _attention}
