"""What a config says of a pose estimator: which output holds what, and what counts as a pose."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.options import StrictOptions
from pipeline.tasks.part import Part, Positive, Share
from pipeline.tasks.points import Points


class Heatmaps(StrictOptions):
    """Maps [height, width, …] as PoseNet tells them: where points are, and from where to where."""

    scores: Part
    """How sure each of the points is to be in each cell."""
    offsets: Part
    """From a cell to the point, in pixels of the input: y of all points, then x."""
    forward: Part | None = None
    """From a point to the next one of the tree, in pixels: y of all its 16 edges, then x."""
    backward: Part | None = None
    """The way back."""
    stride: Annotated[int, Field(ge=1, le=256)] = 16
    """Pixels of the input from a cell to the next."""
    least: Share = 0.5
    """The lowest score of a point that a pose begins at."""
    radius: Annotated[float, Field(ge=0)] = 20.0
    """Points of one name that lie nearer, in pixels of the input, are of one pose."""

    @model_validator(mode="after")
    def _goes_both_ways(self) -> Heatmaps:
        if (self.forward is None) != (self.backward is None):
            raise ValueError("forward and backward go together: several poses need both")
        return self


class Refinement(Part):
    """A map [height, width, points] in which each point is looked for anew around its place."""

    window: Annotated[int, Field(ge=1, le=31)] = 7
    """Cells of the side of the square that is looked at."""
    least: Share = 0.5
    """The highest value there has to be so much."""


class Options(StrictOptions):
    """Poses of bodies: which outputs hold them, and what counts as an answer."""

    skeleton: Literal["coco", "blazepose"] = "coco"
    """Names of the points, in their order: COCO's 17, or MediaPipe's 33."""
    points: Points | None = None
    """Where points stand, of a model that tells them itself: MoveNet, BlazePose."""
    heatmaps: Heatmaps | None = None
    """Where maps stand, of a model that tells these: PoseNet. With displacements it finds several
    poses, without them one."""
    score: Part | None = None
    """How sure each pose is, beside ``points``; where it is left out, the mean of its points that
    are seen."""
    refine: Refinement | None = None
    """Makes points more exact."""
    world: Part | None = None
    """x, y and z of each point in metres, from the middle of the hips."""
    seen: Share = 0.2
    """The lowest score of a point that counts."""
    threshold: Share = 0.25
    """The lowest score of a pose."""
    max: Annotated[int, Field(ge=1, le=100)] = 5
    """The most poses in a picture."""
    tolerance: Positive = 0.01
    """Points of two models are the same up to such a share of the picture's longer side."""
    metric: Literal["keypoint_average_precision", "correct_keypoints"] = (
        "keypoint_average_precision"
    )
    """What is measured where samples say where keypoints are: COCO's average precision, by object
    keypoint similarity, or the share of them within a fifth of the torso (PCK)."""

    @model_validator(mode="after")
    def _has_one_head(self) -> Options:
        if (self.points is None) == (self.heatmaps is None):
            raise ValueError("say either points or heatmaps: which outputs hold the poses")
        if self.heatmaps:
            if self.score or self.refine or self.world:
                raise ValueError("score, refine and world go with points")
            if self.skeleton != "coco":
                raise ValueError("heatmaps are of the 17 points of coco")
        elif self.points and not self.score and not {"s", "v"} & {*self.points.order}:
            raise ValueError("say what holds the score, or points whose order has s or v")
        return self
