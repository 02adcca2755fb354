"""What a kind of input declares: how a raw item becomes what a model reads.

An input's folder defines ``INPUT``, and holds the same in JavaScript for pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.base.options import Options
from pipeline.base.registry import find_plugins
from pipeline.tensors.arrays import Array, NDArray, np


@dataclass(frozen=True)
class Input:
    """A kind of input."""

    name: str
    """As a config names it: ``input: {image: …}``."""

    options: type[Options]
    """What a config may say of it."""

    apply: Callable[[Any, Any], Array] | None = None
    """(raw item, options) -> what the model reads of it, without a batch axis; None where items are
    what the model reads already."""

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
