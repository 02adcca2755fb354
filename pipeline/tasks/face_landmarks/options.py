"""What a config says of a face mesh: which output holds what."""

from __future__ import annotations

from pipeline.base.options import StrictOptions
from pipeline.tasks.landmarks import LandmarkOptions
from pipeline.tasks.points import Points


class Attention(StrictOptions):
    """What an attention mesh tells more exactly, x and y of each point; sides are the person's."""

    lips: Points
    """80 points."""
    left_eye: Points
    """71 points, with the brow."""
    right_eye: Points
    """71 points, with the brow."""
    left_iris: Points
    """5 points, which the mesh does not have."""
    right_iris: Points
    """5 points, which the mesh does not have."""


class Options(LandmarkOptions):
    """A face's 468 points, 478 with the irises: which outputs hold them."""

    attention: Attention | None = None
    """Of an attention mesh, its outputs beside the mesh."""
