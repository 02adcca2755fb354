"""Outputs -> objects in pixels of the image. Its twin is ``task.js``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.inputs.image.fit import share_to_image
from pipeline.tasks.contract import About
from pipeline.tasks.object_detection.decode import decode
from pipeline.tasks.object_detection.options import Options
from pipeline.tasks.object_detection.suppress import Found, suppress
from pipeline.tensors.arrays import Array, Arrays, Float64s, np


def answers(outputs: Arrays, about: About[Options]) -> list[list[dict[str, Any]]]:
    """Of each sample its objects, the surest first.

    Each is ``{"label", "index", "score", "box": {"x", "y", "width", "height"}}``, and has
    ``"keypoints"``, [{"x", "y"}], where the model tells such. Of samples that do not know how they
    lay in an image, lengths are shares of the input.
    """
    return [[_object(found, row, about) for row in range(len(found.scores))]
            for found in find(outputs, about)]  # fmt: skip


def find(outputs: Arrays, about: About[Options], threshold: float | None = None) -> list[Found]:
    """Of each sample its objects, in pixels of the image.

    Args:
        threshold: the lowest score, in place of that of the options.
    """
    options = about.options
    if threshold is not None:
        options = options.model_copy(update={"threshold": threshold})
    found = []
    for sample in range(len(next(iter(outputs.values())))):
        candidates = decode({name: values[sample] for name, values in outputs.items()}, options)
        origin = about.origins.sample(sample) if about.origins else None
        found.append(_in_image(suppress(candidates, options), origin, options))
    return found


def _in_image(found: Found, origin: Mapping[str, Array] | None, options: Options) -> Found:
    """Shares of the input -> pixels of the image, by the way that it lay there."""
    corners = found.boxes.reshape(-1, 2, 2)
    size: Float64s = np.ones(2)
    points = found.points
    if origin is not None:
        size = origin["size"][::-1].astype(np.float64)
        corners = _around(share_to_image(_all_corners(corners), origin))
        points = share_to_image(points, origin)
    if options.clip:
        corners = np.clip(corners, 0, size)
    return Found(corners.reshape(-1, 4), found.scores, found.classes, points)


def _all_corners(corners: Float64s) -> Float64s:
    """[n, 2, 2], two opposite corners of each box -> [n, 4, 2]: in a region that is turned, others
    reach furthest."""
    return np.stack([corners[:, [i, j], [0, 1]] for i in (0, 1) for j in (0, 1)], axis=1)


def _around(corners: Float64s) -> Float64s:
    """[n, 4, 2] -> [n, 2, 2], the upright box around each."""
    return np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _object(found: Found, row: int, about: About[Options]) -> dict[str, Any]:
    left, top, right, bottom = found.boxes[row].tolist()
    index = int(found.classes[row])
    points = [{"x": x, "y": y} for x, y in found.points[row].tolist()]
    return {
        "label": label(index, about),
        "index": index,
        "score": float(found.scores[row]),
        "box": {"x": left, "y": top, "width": right - left, "height": bottom - top},
        **({"keypoints": points} if points else {}),
    }


def label(index: int, about: About[Options]) -> str:
    """What a class is called; its number where nobody named it."""
    named = about.labels[index] if 0 <= index < len(about.labels) else ""
    return named or str(index)
