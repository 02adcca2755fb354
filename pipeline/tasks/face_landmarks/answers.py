"""Outputs -> a face's points in pixels of the image. Its twin is ``task.js``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About
from pipeline.tasks.face_landmarks.mesh import COUNT, WITH_IRISES, contours, mesh
from pipeline.tasks.face_landmarks.options import Attention, Options
from pipeline.tasks.points import Found, keypoints_of, read_points
from pipeline.tensors.arrays import Arrays, Float64s, np

AT = "task.face-landmarks."


def answers(outputs: Arrays, about: About[Options]) -> list[list[dict[str, Any]]]:
    """Of each sample its face, or none.

    Each is ``{"score", "keypoints": [{"x", "y", "z"}], "contours": {name: pairs}}``. Of samples
    that do not know how they lay in an image, lengths are shares of the input.
    """
    return [
        [
            {
                "score": float(found.scores[row]),
                "keypoints": keypoints_of(found, row, ()),
                "contours": contours(found.points.shape[1]),
            }
            for row in range(len(found.scores))
        ]
        for found in landmarks.find(outputs, about, decode)
    ]


def decode(outputs: Arrays, about: About[Options]) -> Found:
    """Of one sample, as shares of the input.

    Raises:
        ConfigError: an output is missing, or has not so many numbers.
    """
    options = about.options
    found = read_points(outputs, options.points, COUNT, AT + "points")
    if options.attention:
        found = replace(found, points=_merge(found.points, outputs, options.attention))
    return replace(found, scores=landmarks.read_score(outputs, about, AT + "score"))


def _merge(points: Float64s, outputs: Arrays, attention: Attention) -> Float64s:
    """[k, 468, 2 or 3] -> [k, 478, …]: x and y of the parts; irises are as deep as their eyes."""
    rows, _, axes = points.shape
    merged = np.concatenate([points, np.zeros((rows, WITH_IRISES - COUNT, axes))], axis=1)
    for name, part in mesh()["refined"].items():
        how = getattr(attention, name)
        told = read_points(outputs, how, len(part["points"]), f"{AT}attention.{name}")
        merged[:, part["points"], :2] = told.points[..., :2]
        if "depth" in part and axes == 3:
            merged[:, part["points"], 2] = merged[:, part["depth"], 2].mean(axis=1)[:, None]
    return merged
