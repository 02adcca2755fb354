"""What a config says of a face mesh: which output holds what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.options import StrictOptions
from pipeline.tasks.face_landmarks.mesh import WITH_IRISES
from pipeline.tasks.landmarks import LandmarkOptions
from pipeline.tasks.points import Points

#: The outer corners of the right and the left eye: errors are shares of their distance.
EYES = (33, 263)


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
    annotated: dict[str, Annotated[int, Field(ge=0, lt=WITH_IRISES)]] = Field(default={})
    """Name of a keypoint in the samples -> the point of the mesh that it is; 33 and 263, the outer
    corners of the eyes, have to be among them."""
    metric: Literal["normalized_mean_error", "failure_rate"] = "normalized_mean_error"
    """What is measured where samples say where these are: how far points are off in the mean, as a
    share of the distance between the eyes' outer corners, or the share of faces where that is over
    a tenth."""

    @property
    def eyes(self) -> list[int]:
        """Where the outer corners of the eyes stand in ``annotated``."""
        return [[*self.annotated.values()].index(point) for point in EYES]

    @model_validator(mode="after")
    def _has_eyes(self) -> Options:
        if self.annotated and not {*EYES} <= {*self.annotated.values()}:
            raise ValueError(
                "annotated needs the points 33 and 263: errors are shares of their distance"
            )
        return self
