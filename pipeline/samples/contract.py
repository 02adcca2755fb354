"""What a kind of samples is: data to calibrate, compare and evaluate with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.base.options import Options
from pipeline.base.registry import find_plugins
from pipeline.engine.step import Inputs, StepFunction

if TYPE_CHECKING:
    from pipeline.samples.pictures import Pictures


@dataclass(frozen=True, kw_only=True)
class SamplesKind:
    """One kind of samples, a module of this folder with a ``SAMPLES``."""

    name: str
    """Its key under ``samples`` in a config."""
    options: type[Options]
    read: StepFunction
    """FROZEN and the options' local files -> a samples folder with both splits."""
    pictures: Callable[[Inputs, Any, int], Pictures | None] | None = None
    """Local files, options and how many at most -> images of the test split as they are, for those
    kinds that have images; it gives ``None`` where these have no labels."""


@cache
def samples_kinds() -> dict[str, SamplesKind]:
    """Every kind of samples, by name."""
    return find_plugins("samples", "SAMPLES", SamplesKind)
