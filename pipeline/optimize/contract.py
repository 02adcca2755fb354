"""What a technique is: one way to make a model smaller or faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.engine.step import StepFunction
from pipeline.measures.keep import Keep
from pipeline.weights.codec import Codec

#: What a technique works on: ``model``, SOURCE -> SOURCE of Keras layers; ``frozen``,
#: FROZEN -> FROZEN for all formats; ``graph``, CONVERTED -> CONVERTED of some formats; ``weights``,
#: the encoding of single tensors.
Stage = Literal["model", "frozen", "graph", "weights"]

#: Techniques run in this order, whatever order a config names them in.
STAGES: tuple[Stage, ...] = ("model", "frozen", "graph", "weights")


@dataclass(frozen=True)
class ModelInputs:
    """What a step of the stage ``model`` gets."""

    source: SourceFolder
    teacher: SourceFolder
    """The source as it was pulled, whatever earlier techniques of the chain made of it."""
    samples: SamplesFolder


@dataclass(frozen=True)
class FrozenInputs:
    """What a step of the stage ``frozen`` gets."""

    frozen: Frozen
    samples: SamplesFolder


@dataclass(frozen=True)
class OnnxInputs:
    """What a step of the stage ``graph`` gets, whose ``formats`` are ONNX alone."""

    model: ConvertedOnnx
    samples: SamplesFolder


#: Option -> the values that a search tries, the best guess first.
Choices = Mapping[str, tuple[Any, ...]]


class WeightOptions(StrictOptions):
    """What every technique of the stage ``weights`` takes."""

    keep: Keep | None = None
    """Leave in float32 the few tensors whose encoding changes the outputs most, as few as hold
    outputs and answers within these bounds on calibration samples."""

    def codec_options(self) -> dict[str, Any]:
        """What the codec itself takes."""
        return {name: value for name, value in self.key().items() if name != "keep"}


@dataclass(frozen=True, kw_only=True)
class Technique:
    """One technique, a module of this folder with a ``TECHNIQUE``."""

    name: str
    """What reports call it, and what ``to`` says of those that share a key."""
    key: str
    """Its key in a variant of a config."""
    stage: Stage
    options: type[StrictOptions]
    step: StepFunction | None = None
    """What it does in every stage but ``weights``; its ``inputs`` are those of its stage."""
    codec: Codec | None = None
    """How it encodes in the stage ``weights``."""
    order: int = 0
    """Within a stage: what makes another network comes before what changes its weights."""
    formats: tuple[str, ...] | None = None
    """Those that hold it; ``None`` for all."""
    reason: str = ""
    """Why the others do not."""
    search: Choices | None = field(default_factory=dict)
    """What a search tries of its options; of ``None`` it tries nothing, unless a config's
    ``techniques`` names it."""
    faster: bool | None = None
    """Whether models become faster by it and not only smaller; by its stage without this."""
    levels_given: Callable[[Any], int] | None = None
    """Options -> how many values a weight may have afterwards."""
    levels_kept: Callable[[Any], int] | None = None
    """Options -> of how many values a grid may be on which a technique before has put weights."""
    portable: Callable[[Any], bool] = lambda options: True
    """Options -> whether all processors are to compute it alike."""

    def __post_init__(self) -> None:
        if (self.step is None) == (self.codec is None) or bool(self.codec) != (
            self.stage == "weights"
        ):
            raise TypeError(f"{self.name} needs a codec in the stage weights, else a step")

    @property
    def makes_faster(self) -> bool:
        # Operators on integers, say; weights are decoded before anything is computed.
        return self.stage == "graph" if self.faster is None else self.faster

    @property
    def turn(self) -> tuple[int, int]:
        """Its place in a chain."""
        return STAGES.index(self.stage), self.order


@cache
def techniques() -> dict[str, Technique]:
    """Every technique, by name."""
    return find_plugins("optimize", "TECHNIQUE", Technique)
