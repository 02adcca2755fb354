"""What a format is: how artifacts are stored for one kind of runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.engine.step import StepFunction
from pipeline.graphs.kinds import Graph
from pipeline.weights.sharding import Size


class FormatOptions(StrictOptions):
    """What can be said of every format."""

    shard_bytes: Size = 4 * 2**20
    """The largest size of one weight file, as in 4MiB."""
    variants: list[str] | None = None
    """Only these variants in this format; all that it can hold by default."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format, a module of this folder with a ``FORMAT``."""

    name: str
    """Its key under ``export`` in a config."""
    options: type[FormatOptions]
    convert: StepFunction
    """FROZEN, and SOURCE where it is made of Keras layers -> CONVERTED, in float32. It gives the
    same bytes each time, and so does ``package``."""
    package: StepFunction
    """CONVERTED, and KEPT if there is one -> ARTIFACT, its weights encoded and cut into files."""
    keep: StepFunction
    """CONVERTED and SAMPLES -> KEPT: the weights that are to stay float32 (``export.keep``)."""
    made_of: Graph = "tensorflow"
    own: Graph | None = None
    """The kind of graph that this format itself is: such a source is taken as it is."""
    convert_own: StepFunction | None = None
    """OWN -> CONVERTED, of a source that has such a graph."""
    cannot_hold: Callable[[str, Any], str | None] = lambda technique, options: None
    """Technique and options -> why this format cannot hold it."""
    known_to_lack: Callable[[Mapping[str, Any]], PipelineError | None] = lambda architecture: None
    """The Keras config of a source -> what ``convert`` would raise, as far as that tells."""


@cache
def formats() -> dict[str, Format]:
    """Every format, by name."""
    return find_plugins("export", "FORMAT", Format)
