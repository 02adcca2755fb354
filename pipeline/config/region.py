"""Where in a picture a model looks, by what another config's model finds there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.base.options import InputPath, StrictOptions
from pipeline.inputs.image.around import Around


class Regions(StrictOptions):
    """Where in a picture the model looks, once another one has found where: such a model reads one
    thing close up."""

    found: Around
    """The square around each thing that the detector finds."""
    followed: Around
    """In a video, the square around each thing that this model itself told of in the frame before:
    the detector is not asked again until one is lost."""
    max: Annotated[int, Field(ge=1, le=20)] = 1
    """The most things in a picture. In a video the detector rests once so many are followed."""


class Region(Regions):
    """Where in a picture the model looks, and the config of the model that finds it."""

    detector: InputPath
    """The config of the model that finds things, by a box, points or both. It is built and proved
    too, and is a part of the release."""
