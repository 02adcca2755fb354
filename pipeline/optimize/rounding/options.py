"""How weights are rounded."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from pipeline.base.options import StrictOptions
from pipeline.measures.bounds import Differences


def _some_bound(keep: Differences) -> Differences:
    if not keep:
        raise ValueError("name a bound, such as relative_error, snr_db or an agreement of the task")
    return keep


class Options(StrictOptions):
    """Round weights onto grids, layer by layer, so that later ones make up for earlier errors."""

    shorthand: ClassVar[str | None] = "bits"

    bits: Annotated[float, Field(gt=0.5, le=16)] = 6.0
    """What a weight takes in the mean after compression. Layers that the outputs depend on get
    more, others fewer; one bit less is 6 dB less signal to noise. 2.5 keeps a small classifier
    accurate."""

    levels: Annotated[int, Field(ge=2, le=65_536)] = 65_536
    """How many values a grid has at most. Most layers need fewer than 256, which is uint8; a few
    small ones, such as depthwise convolutions with folded batch norms, may need more, and become
    float16 or uint16. 256 holds all in uint8; put ``equalize`` before it then. 129 is what
    ``quantize: int8`` keeps of any grid, where it is portable."""

    granularity: Literal["per-tensor", "per-channel"] = "per-tensor"
    """One grid for each layer, which every format holds; or one for each channel, for ONNX."""

    method: Literal["feedback", "nearest"] = "feedback"
    """Whether weights make up for each other's errors, or each goes to the nearest number."""

    calibrate: Annotated[int, Field(ge=1, le=100_000)] = 128
    """How many samples of the calibration split are used; fewer where activations are large."""

    keep: Annotated[Differences, AfterValidator(_some_bound)] | None = None
    """Keep layers in float16, those that do most damage alone, as few as hold outputs and answers
    within these bounds on every fourth of the samples, which is held back from rounding."""
