"""A sample's poses in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.tasks.contract import About, Shown
from pipeline.tasks.pose_estimation.answers import find
from pipeline.tasks.pose_estimation.options import Options
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tasks.show_points import Body, show_points
from pipeline.tensors.arrays import Array, Arrays


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[Options]
) -> Shown:
    """Both skeletons, and where a point is furthest off."""
    skeleton = skeletons()[about.options.skeleton]
    body = Body("pose", lambda count: skeleton.connections, skeleton.names)
    return show_points(source, artifact, about, body, find)
