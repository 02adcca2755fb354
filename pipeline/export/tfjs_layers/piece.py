"""One of the TF.js layers that replace a layer, and the error where none do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.base.errors import PipelineError
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
    """Its weights by TF.js' names; ``None``: the layer's own, where it is of the same class."""

    @property
    def name(self) -> str:
        return str(self.config["name"])


#: ``(entry, layer)``: a layer's entry in the model's config, and the ``tf_keras`` layer -> the
#: pieces that do the same in TF.js; None where this one needs no rewriting.
Rewrite = Callable[[Config, Any], list[Piece] | None]


def chain(*pieces: Piece) -> list[Piece]:
    """Pieces of which each reads the one before it."""
    first, *others = pieces
    behind = zip(pieces, others, strict=False)
    return [first, *(replace(piece, inputs=(before.name,)) for before, piece in behind)]


def reshape(name: str, sizes: Sequence[int]) -> Piece:
    """``sizes`` are without the batch."""
    return Piece("Reshape", {"name": name, "target_shape": [int(size) for size in sizes]})


def permute(name: str, order: Sequence[int]) -> Piece:
    """``order`` counts axes from 1, as the batch is 0."""
    return Piece("Permute", {"name": name, "dims": [int(axis) for axis in order]})


def rescaling(
    name: str, scale: float, offset: float = 0.0, inputs: tuple[str | int, ...] = (OWN,)
) -> Piece:
    """``x * scale + offset``"""
    config = {"name": name, "scale": float(scale), "offset": float(offset)}
    return Piece("Rescaling", config, inputs)


def dense(
    name: str, kernel: Array, bias: Array | None = None, inputs: tuple[str | int, ...] = (OWN,)
) -> Piece:
    """A product with ``kernel``, [features, units]."""
    weights = {"kernel": kernel} | ({} if bias is None else {"bias": bias})
    config = {"name": name, "units": kernel.shape[1], "use_bias": bias is not None}
    return Piece("Dense", {**config, "activation": "linear"}, inputs, weights)


def own_weights(layer: Any) -> Iterator[tuple[str, Array]]:
    """A layer's weights by the last part of their names."""
    for variable, value in zip(layer.weights, layer.get_weights(), strict=True):
        yield variable.name.removesuffix(":0").rsplit("/", maxsplit=1)[-1], value


def fixed_sizes(layer: Any) -> tuple[list[int], list[int]]:
    """The sizes of a layer's input and of its output, without the batch; channels come last.

    Raises:
        PipelineError: a size is free, or channels come first.
    """
    before, after, kind = layer.input_shape[1:], layer.output_shape[1:], type(layer).__name__
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise cannot(layer.name, kind, "TF.js lacks it where channels come first")
    if None in (*before, *after):
        raise cannot(layer.name, kind, "TF.js lacks it where the size of its input is free")
    return [int(size) for size in before], [int(size) for size in after]


_TODO = "leave tfjs-layers out of export (tfjs-graph holds the model), or replace that layer"


def cannot(layer: str, kind: str, why: str, todo: str = _TODO) -> PipelineError:
    """The error that names a layer which TF.js cannot hold."""
    what = f"layer {layer!r} ({kind}) cannot be a TF.js layer: {why}"
    return PipelineError(what, where="tfjs-layers", todo=todo)
