"""One of the TF.js layers that replace a layer, and the error where none do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.tensors.arrays import Array

#: The name of all of a rewritten layer's own inputs.
OWN = ""

Config = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """One of the layers that replace a layer; the last has the layer's own name."""

    class_name: str
    config: Config
    inputs: tuple[str | int, ...] = (OWN,)
    """Names of pieces before it, ``OWN``, or which one of the layer's own inputs."""
    weights: Mapping[str, Array] | None = None
    """Its weights by TF.js' names; of a layer whose pieces have none they are the layer's."""


def chain(*pieces: Piece) -> list[Piece]:
    """Pieces of which each reads the one before it."""
    first, *others = pieces
    before = [piece.config["name"] for piece in pieces]
    return [
        first,
        *(
            Piece(piece.class_name, piece.config, (name,), piece.weights)
            for name, piece in zip(before, others, strict=False)
        ),
    ]


def cannot(layer: str, kind: str, why: str) -> PipelineError:
    """The error that names a layer which TF.js cannot hold."""
    return PipelineError(
        f"layer {layer!r} ({kind}) cannot be a TF.js layer: {why}",
        where="tfjs-layers",
        todo="leave tfjs-layers out of export (tfjs-graph holds the model), or replace that layer",
    )
