"""A sample's face in a report: the source's contours beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About, Shown
from pipeline.tasks.face_landmarks.answers import decode
from pipeline.tasks.face_landmarks.mesh import contours
from pipeline.tasks.face_landmarks.options import Options
from pipeline.tasks.show_points import Body, show_points
from pipeline.tensors.arrays import Array, Arrays

FACE = Body("face", lambda count: list(chain.from_iterable(contours(count).values())))


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[Options]
) -> Shown:
    """Both faces, and where a point is furthest off."""
    return show_points(
        source,
        artifact,
        about,
        FACE,
        lambda outputs, told, least: landmarks.find(outputs, told, decode, least),
    )
