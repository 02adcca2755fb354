"""What a TFLite file says, once every size in it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.tensors.arrays import Array, Float32s, Int64s


@dataclass(frozen=True)
class Quantization:
    """``real = scale * (stored - zero_point)``, for all of a tensor or along one axis."""

    scale: Float32s
    zero_point: Int64s
    axis: int


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph."""

    name: str
    dtype: str
    """As NumPy calls it; ``int4`` values are stored as int8 here."""
    shape: tuple[int | None, ...]
    """``None`` where the file leaves a size free."""
    quantization: Quantization | None
    values: Array | None
    """As they are stored, dense; ``None`` where they are computed."""


@dataclass(frozen=True)
class Operator:
    """One node of a subgraph."""

    index: int
    kind: str
    """As the schema calls it, such as ``CONV_2D``; a custom one by its own name."""
    inputs: tuple[int, ...]
    """Indices of tensors, -1 for one that is left out."""
    outputs: tuple[int, ...]
    options: Any
    """The schema's table of its options; ``None`` where there are none."""
    is_custom: bool
    """Is it none of TFLite's own?"""
    custom: bytes
    """Options of a custom operator."""


@dataclass(frozen=True)
class Model:
    """One subgraph, with the names that users give to its inputs and outputs."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: Mapping[str, int]
    """Name -> index of its tensor, in order."""
    outputs: Mapping[str, int]
    subgraph: int
    """Which of the file's subgraphs it is."""
