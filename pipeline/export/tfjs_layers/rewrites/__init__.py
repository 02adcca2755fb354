"""Layers that TF.js lacks or computes otherwise, rewritten into layers that it has.

Each rewrite is proved by loading its result in TF.js (tests/export/test_tfjs_layers.py).
"""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import Config, Piece, Rewrite, chain, reshape
from pipeline.export.tfjs_layers.rewrites import (
    activations,
    arithmetic,
    attention,
    einsum,
    images,
    multi_head,
    norms,
    recurrent,
    resample,
    steps,
    volumes,
)


def _reshape(entry: Config, layer: Any) -> list[Piece] | None:
    """TF.js leaves a -1 open where the batch is."""
    shape = layer.output_shape[1:]
    if -1 not in entry["config"]["target_shape"] or None in shape:
        return None
    return [reshape(layer.name, shape)]


def _categories(entry: Config, layer: Any) -> list[Piece]:
    """TF.js writes the shape of its output into that of its input, which is checked in calls."""
    inner_shape = reshape(f"{layer.name}_given", layer.input_shape[1:])
    return chain(inner_shape, Piece("CategoryEncoding", entry["config"]))


REWRITES: dict[str, Rewrite] = {
    "CategoryEncoding": _categories,
    "Reshape": _reshape,
    **activations.REWRITES,
    **arithmetic.REWRITES,
    **attention.REWRITES,
    **einsum.REWRITES,
    **images.REWRITES,
    **multi_head.REWRITES,
    **norms.REWRITES,
    **recurrent.REWRITES,
    **resample.REWRITES,
    **steps.REWRITES,
    **volumes.REWRITES,
}
"""Class of a layer -> what does the same in TF.js; None where a layer needs no rewriting."""
