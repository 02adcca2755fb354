"""Outputs -> poses in pixels of the image. Its twin is ``task.js``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.tasks.contract import About
from pipeline.tasks.part import read_table, wrong
from pipeline.tasks.points import (
    Found,
    Points,
    find_things,
    in_space,
    keypoints_of,
    read_points,
)
from pipeline.tasks.pose_estimation.heatmaps import read_poses
from pipeline.tasks.pose_estimation.options import Options
from pipeline.tasks.pose_estimation.refine import refine
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tensors.arrays import Array, Arrays, Float64s, np

AT = "task.pose-estimation."


def answers(outputs: Arrays, about: About[Options]) -> list[list[dict[str, Any]]]:
    """Of each sample its poses, the surest first.

    Each is ``{"score", "keypoints", "connections"}``, where keypoints are ``{"x", "y", "z",
    "score", "presence", "name"}`` and connections pairs of them; and has ``"keypoints3D"`` in
    metres, and ``"auxiliary"``, [{"x", "y"}], where the model tells such. Of samples that do not
    know how they lay in an image, lengths are shares of the input.
    """
    return [[_pose(found, row, about) for row in range(len(found.scores))]
            for found in find(outputs, about)]  # fmt: skip


def find(outputs: Arrays, about: About[Options], threshold: float | None = None) -> list[Found]:
    """Of each sample its poses, in pixels of the image.

    Args:
        threshold: the lowest score, in place of that of the options.
    """
    options = about.options
    least = options.threshold if threshold is None else threshold
    return find_things(
        outputs, about.origins, lambda own, size: decode(own, options, size), least, options.max
    )


def decode(outputs: Arrays, options: Options, size: Array | None = None) -> Found:
    """All poses of one sample, as shares of the input.

    Args:
        outputs: by name, without the axis of samples.
        size: [2], the input's height and width, where it is known.

    Raises:
        ConfigError: an output is missing, or of another shape than the options say.
    """
    count = len(skeletons()[options.skeleton].names)
    if options.heatmaps:
        return read_poses(outputs, options.heatmaps, count, options.max, size)
    if options.points is None:
        raise wrong("neither points nor heatmaps are said", AT + "points")
    return _read_points(outputs, options, options.points, count)


def _read_points(outputs: Arrays, options: Options, how: Points, count: int) -> Found:
    others = skeletons()[options.skeleton].auxiliary
    found = read_points(outputs, how, count + others, AT + "points")
    if options.refine:
        points = np.stack([refine(each, outputs, options.refine) for each in found.points])
        found = replace(found, points=points)
    found = found.first(count) if others else found
    rows, world = how.rows, None
    if options.world:
        table = read_table(outputs, options.world, AT + "world", rows)
        world = table.reshape(rows, -1, 3)[:, :count]
    return replace(found, world=world, scores=_scores(outputs, options, found))


def _scores(outputs: Arrays, options: Options, found: Found) -> Float64s:
    """How sure each pose is: [k]."""
    if options.score:
        return read_table(outputs, options.score, AT + "score", len(found.points), 1)[:, 0]
    if found.sure is None:
        return found.scores
    seen = found.sure >= options.seen
    means: Float64s = (found.sure * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return means


def _pose(found: Found, row: int, about: About[Options]) -> dict[str, Any]:
    skeleton = skeletons()[about.options.skeleton]
    pose: dict[str, Any] = {
        "score": float(found.scores[row]),
        "keypoints": keypoints_of(found, row, skeleton.names),
        "connections": [list(pair) for pair in skeleton.connections],
    }
    if found.world is not None:
        pose["keypoints3D"] = in_space(found.world[row], skeleton.names)
    if found.auxiliary is not None:
        pose["auxiliary"] = [{"x": x, "y": y} for x, y in found.auxiliary[row, :, :2].tolist()]
    return pose
