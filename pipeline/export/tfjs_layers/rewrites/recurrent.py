"""``RNN`` of cells as the layers that have these cells, one on another."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import Config, Piece, Rewrite, cannot, chain, own_weights

_LAYERS = {"GRUCell": "GRU", "LSTMCell": "LSTM", "SimpleRNNCell": "SimpleRNN"}


def _of_cells(entry: Config, layer: Any) -> list[Piece]:
    """Each reads all that the one before it gives, in the order in which that gives it."""
    config, name = dict(entry["config"]), layer.name
    del config["cell"]
    cells = getattr(layer.cell, "cells", [layer.cell])
    if len(cells) > 1 and (layer.return_state or len(entry["inbound_nodes"][0]) > 1):
        raise cannot(name, "RNN", "states of stacked cells go in or out")
    pieces = []
    for number, cell in enumerate(cells):
        kind = type(cell).__name__
        if kind not in _LAYERS:
            raise cannot(name, "RNN", f"TF.js has no cell {kind}")
        is_last = number == len(cells) - 1
        layer_config = {
            **cell.get_config(),
            **config,
            "name": name if is_last else f"{name}_{number}",
        }
        layer_config["return_sequences"] = layer.return_sequences or not is_last
        layer_config["go_backwards"] = layer.go_backwards and number == 0
        pieces.append(Piece(_LAYERS[kind], layer_config, weights=dict(own_weights(cell))))
    return chain(*pieces)


REWRITES: dict[str, Rewrite] = {"RNN": _of_cells}
