"""What a kind of samples is: data to calibrate, compare and evaluate with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.engine.step import Files
from pipeline.inputs.contract import ARRAYS
from pipeline.tensors.signature import TensorSpec


@dataclass(frozen=True)
class Item:
    """One sample as it comes."""

    raw: Any
    """What the kind of input makes tensors of: an image is uint8 [height, width] or [height, width,
    channels]; a mapping of arrays by public input name is what the model reads."""
    where: str
    """It comes from, for an error."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of it, of which the task makes truth: ``label``, the number of a class."""


#: Reads an item when it is needed: of large ones not all fit into memory.
Reading = Callable[[], Item]


@dataclass(frozen=True)
class Items:
    """All samples of a config."""

    splits: Mapping[str, Sequence[Reading]]
    """By the names of ``SPLITS``; none is empty."""
    description: str
    license: str = ""
    classes: Sequence[str] = ()
    """Names of the labels, where the samples have them."""


@dataclass(frozen=True)
class Needs:
    """What items are for."""

    inputs: Sequence[TensorSpec]
    """The model's."""
    raw: str = ARRAYS
    """What the config's kind of input makes tensors of."""
    options: StrictOptions | None = None
    """The config's, of that kind."""
    facts: Sequence[str] = ()
    """What the task makes truth of."""


@dataclass(frozen=True, kw_only=True)
class SamplesKind:
    """One kind of samples, a module of this folder with a ``SAMPLES``."""

    name: str
    """Its key under ``samples`` in a config."""
    options: type[StrictOptions]
    raw: str = ARRAYS
    """What its items are: ``image``, …"""
    items: Callable[[Files, Any, Needs], Items]
    """The options' local files by field name, and options -> the samples."""


@cache
def samples_kinds() -> dict[str, SamplesKind]:
    """Every kind of samples, by name."""
    return find_plugins("samples", "SAMPLES", SamplesKind)
