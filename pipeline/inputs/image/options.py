"""How images become inputs: the options, as a config gives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.base.options import Options

Side = Annotated[int, Field(ge=1, le=8192)]


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] >= scale[1]:
        raise ValueError("the first number must be below the second")
    return scale


class ImageOptions(Options):
    """How a decoded image becomes the model's input."""

    size: tuple[Side, Side] | None = None
    """Height and width to resize to, bilinearly and without keeping the aspect ratio;
    left as they are by default."""

    color: Literal["rgb", "grey"] = "rgb"
    """Channels that the model reads: three (``rgb``) or one (``grey``)."""

    scale: Annotated[tuple[float, float], AfterValidator(_rising)] = (0.0, 1.0)
    """What the pixel values 0 and 255 become; those between are mapped linearly."""
