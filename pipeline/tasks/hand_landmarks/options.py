"""What a config says of a hand's landmarks: which output holds what."""

from __future__ import annotations

from pipeline.tasks.landmarks import LandmarkOptions
from pipeline.tasks.part import Part


class Options(LandmarkOptions):
    """A hand's 21 points: which outputs hold them."""

    handedness: Part | None = None
    """How sure it is to be a left one in the picture, as MediaPipe's models tell: of a picture that
    is not a mirror image, the person's right hand."""
    world: Part | None = None
    """x, y and z of each point in metres, from the middle of the hand."""
