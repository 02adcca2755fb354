"""A tf_keras model as TF.js' layers: what TF.js lacks is rewritten into layers that it has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipeline.export.tfjs_layers.masks import check_masks
from pipeline.export.tfjs_layers.piece import OWN, Config, Piece, cannot, own_weights
from pipeline.export.tfjs_layers.rewrites import REWRITES, arithmetic, multi_head
from pipeline.export.tfjs_layers.terms import MODELS, checked
from pipeline.export.tfjs_layers.wrappers import WRAPPERS
from pipeline.tensors.arrays import Array


@dataclass(frozen=True)
class Layered:
    """A layer of TF.js, or a model: its entry in ``model.json``, and its weights."""

    entry: Config
    weights: tuple[tuple[str, Array], ...]
    """By TF.js' names: ``layer/kernel``."""


def layers_model(model: Any) -> Layered:
    """A ``tf_keras.Model`` for TF.js, its entry without name and inbound nodes.

    Raises:
        PipelineError: names the layer that TF.js lacks or would compute otherwise.
    """
    entry = json.loads(model.to_json())
    return _model({key: entry[key] for key in ("class_name", "config")}, model)


def _model(entry: Config, model: Any) -> Layered:
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        config = _as_functional(config)
    elif entry["class_name"] not in ("Functional", "Model"):
        raise cannot(model.name, entry["class_name"], "it is neither functional nor sequential")
    layers = [_calls_listed(layer) for layer in config["layers"]]
    pieces = {layer["name"]: _pieces(layer, model) for layer in layers}
    check_masks(model, {name: [piece.class_name for piece in p] for name, p in pieces.items()})
    entries = [
        layered for layer in layers for layered in _entries(layer, pieces[layer["name"]], model)
    ]
    for name, count in Counter(layered.entry["name"] for layered in entries).items():
        if count > 1:
            raise cannot(name, entry["class_name"], "another layer would have its name in TF.js")
    model_config = {"name": config["name"], "layers": [layered.entry for layered in entries]}
    model_config |= {key: _listed(config[key]) for key in ("input_layers", "output_layers")}
    weights = tuple(chain.from_iterable(layered.weights for layered in entries))
    return Layered({"class_name": "Functional", "config": model_config}, weights)


def _listed(tensors: Any) -> list[Any]:
    """tf_keras writes a single ``[layer, node, tensor]`` bare, and named ones as a dict."""
    if isinstance(tensors, dict):
        return [tensors[key] for key in sorted(tensors)]
    return [tensors] if tensors and isinstance(tensors[0], str) else tensors


def _as_functional(config: Config) -> Config:
    """A sequential model's config as that of a functional one, so that layers can be inserted."""
    layers = [dict(layer) for layer in config["layers"]]
    if layers[0]["class_name"] != "InputLayer":
        first = layers[0]["config"]
        shape = first.get("batch_input_shape") or config.get("build_input_shape")
        source = {"name": f"{first['name']}_input", "batch_input_shape": shape, "dtype": "float32"}
        layers.insert(0, {"class_name": "InputLayer", "config": source})
    names = [layer["config"]["name"] for layer in layers]
    for index, layer in enumerate(layers):
        layer["name"] = names[index]
        # A model inside has its own first node; calls of it are counted from 1.
        before = 1 if index and layers[index - 1]["class_name"] in MODELS else 0
        layer["inbound_nodes"] = [[[names[index - 1], before, 0, {}]]] if index else []
    last = 1 if layers[-1]["class_name"] in MODELS else 0
    return {
        "name": config["name"],
        "layers": layers,
        "input_layers": [[names[0], 0, 0]],
        "output_layers": [[names[-1], last, 0]],
    }


def _calls_listed(entry: Config) -> Config:
    return {**entry, "inbound_nodes": [_listed(node) for node in entry["inbound_nodes"]]}


def _layer(entry: Config, model: Any) -> Any:
    """A sequential model does not list its input layer, which needs no rewriting."""
    return next((layer for layer in model.layers if layer.name == entry["name"]), None)


def _pieces(entry: Config, model: Any) -> list[Piece]:
    """The pieces that stand for one layer; of a model inside there are none."""
    kind, name, layer = entry["class_name"], entry["name"], _layer(entry, model)
    if kind in MODELS or _repeats_model(entry):
        return []
    rewrite = {**REWRITES, **WRAPPERS}.get(kind)
    if rewrite is None:
        return [Piece(kind, entry["config"])]
    if len({str(node.input_shapes) for node in layer._inbound_nodes}) > 1:
        raise cannot(name, kind, "it is called on inputs of several shapes")
    return rewrite(entry, layer) or [Piece(kind, entry["config"])]


def _repeats_model(entry: Config) -> bool:
    """Whether it is ``TimeDistributed`` of a model."""
    inner = entry["config"].get("layer")
    is_of_model = isinstance(inner, dict) and inner["class_name"] in MODELS
    return is_of_model and entry["class_name"] == "TimeDistributed"


def _entries(entry: Config, pieces: list[Piece], model: Any) -> Iterator[Layered]:
    """The layers that stand for one layer of the model."""
    kind, name, nodes = entry["class_name"], entry["name"], entry["inbound_nodes"]
    layer = _layer(entry, model)
    if kind in MODELS:
        inner = _model(entry, layer)
        yield Layered({**inner.entry, "name": name, "inbound_nodes": nodes}, inner.weights)
    elif _repeats_model(entry):
        inner = _model(entry["config"]["layer"], layer.layer)
        config = {"name": name, "layer": inner.entry}
        written = {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}
        yield Layered(written, inner.weights)
    if kind in _CALLS:
        nodes = [_CALLS[kind](node) for node in nodes]
    for piece in pieces:
        written = {
            "class_name": piece.class_name,
            "name": piece.name,
            "config": checked(piece, name),
            "inbound_nodes": [_inbound(piece, node, i) for i, node in enumerate(nodes)],
        }
        yield Layered(written, tuple(_weights(piece, layer)))


#: Layer -> the tensors of a call that has some of them as arguments.
_CALLS = {"TFOpLambda": arithmetic.operands, "MultiHeadAttention": multi_head.operands}


def _inbound(piece: Piece, node: list[Any], index: int) -> list[Any]:
    sources: list[Any] = []
    for source in piece.inputs:
        if isinstance(source, int):
            sources.append(node[source])
        else:
            sources += node if source == OWN else [[source, index, 0, {}]]
    # Arguments of the call (masks, training) are not known to TF.js' layers.
    return [[*tensor[:3], {}] for tensor in sources]


def _weights(piece: Piece, layer: Any) -> Iterator[tuple[str, Array]]:
    if piece.weights is not None:
        yield from ((f"{piece.name}/{name}", value) for name, value in piece.weights.items())
    elif piece.class_name == "Bidirectional":
        for side in (layer.forward_layer, layer.backward_layer):
            yield from (
                (f"{layer.name}/{side.name}/{name}", value) for name, value in own_weights(side)
            )
    elif piece.class_name == type(layer).__name__:
        yield from ((f"{piece.name}/{name}", value) for name, value in own_weights(layer))
