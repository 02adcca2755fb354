"""What a kind of input declares: how a raw item becomes what a model reads.

An input's folder defines ``INPUT``, and holds the same in JavaScript for pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.tensors.arrays import Array, Arrays, NDArray, np
from pipeline.tensors.signature import TensorSpec

#: What the model reads already, by public input name, without an axis of samples.
ARRAYS = "arrays"


@dataclass(frozen=True)
class Tensors:
    """What a model reads of one item."""

    arrays: Arrays
    """By public input name, without an axis of samples."""
    origin: Arrays = field(default_factory=dict)
    """How the item lies in them, where the kind of input keeps that: the same names for all."""


@dataclass(frozen=True)
class Proposal:
    """What a config may say of a kind of input, as far as a model's inputs tell."""

    options: Mapping[str, Any]
    samples: Mapping[str, Any]
    """To begin with: a kind of samples that it can read, as a config has it."""
    checks: tuple[str, ...] = ()
    """What the model does not tell, and its author knows, in sentences."""


@dataclass(frozen=True)
class Input:
    """A kind of input."""

    name: str
    """As a config names it: ``input: {image: …}``."""

    options: type[StrictOptions]
    """What a config may say of it."""

    raw: str = ARRAYS
    """What it makes tensors of, as samples kinds name it; ``ARRAYS`` it takes as they are too."""

    read: Callable[[Any, Any, Sequence[TensorSpec], str], Tensors | Sequence[Tensors]] | None = None
    """(raw item, options, the model's inputs, where the item is from) -> what the model reads of
    it, or of each part of it that takes a run of its own; None where items are what the model
    reads already. It raises ``SourceError`` where the item cannot become that."""

    example: str = ""
    """What a config may say of it, for who has to."""

    propose: Callable[[Sequence[TensorSpec]], Proposal | None] = lambda specs: None
    """A model's inputs -> what a config may say of them; None where they are likely no such."""

    facts: str | None = None
    """The JSON file of a hub's repository that tells how its models' inputs are made."""

    options_of: Callable[[Any], Mapping[str, Any]] = lambda facts: {}
    """Such a file's content, which may be anything -> what a config says of the input, as far as
    it tells."""

    thumbnail: Callable[[Array, Any], NDArray[np.uint8] | None] | None = None
    """(one input of a sample, options) -> a picture of it, uint8 [height, width] or [height, width,
    3], for the report; its own answer is None where that input is no picture."""

    constants: Callable[[Any], Mapping[str, bool]] | None = None
    """Options -> what its page code may ask of them as ``globalThis.NAME``, so that a release's own
    bundle leaves out what they do not need."""


@cache
def inputs() -> dict[str, Input]:
    """Every kind of input, by name."""
    return find_plugins("inputs", "INPUT", Input)
