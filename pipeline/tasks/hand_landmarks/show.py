"""A sample's hand in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About, Shown
from pipeline.tasks.hand_landmarks.answers import decode, hand
from pipeline.tasks.hand_landmarks.options import Options
from pipeline.tasks.show_points import Body, show_points
from pipeline.tensors.arrays import Array, Arrays


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[Options]
) -> Shown:
    """Both hands, and where a point is furthest off."""
    body = Body("hand", lambda count: hand()["connections"], hand()["names"])
    return show_points(
        source,
        artifact,
        about,
        body,
        lambda outputs, told, least: landmarks.find(outputs, told, decode, least),
    )
