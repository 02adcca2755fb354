"""The keypoints that are in each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.pose_estimation.options import Options
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import PerSample, ragged

#: What samples kinds call them: of each sample a list of ``{"box": [x, y, width, height], "area":
#: of the body, or None, "crowd": bool, "keypoints": {name: [x, y, visible]}}``, in pixels of the
#: image; ``visible`` is 0 where nobody knows where the point is.
NAME = "objects"


def poses_of(facts_of: Sequence[Mapping[str, Any]], about: About[Options]) -> PerSample | None:
    """Of each sample's k bodies ``points`` float64 [k, 17, 3], x, y and whether it is known, in the
    order of COCO's skeleton; ``boxes`` float64 [k, 4], left, upper edge, width and height;
    ``areas`` float64 [k]; and ``crowd`` int8 [k], 1 for several bodies. ``None`` where no keypoint
    is told.

    Raises:
        ConfigError: a number is none, or no keypoint bears a name of COCO's.
    """
    bodies = [[one for one in facts.get(NAME) or [] if "keypoints" in one] for facts in facts_of]
    if not any(bodies):
        return None
    names = skeletons()["coco"].names
    told = {name for each in bodies for one in each for name in one["keypoints"]}
    if not told & {*names}:
        raise _wrong(
            f"keypoints are called {', '.join(sorted(told)[:5])}", "name them as COCO does"
        )
    parts = [_arrays(each, names) for each in bodies]
    return PerSample(ragged({name: [part[name] for part in parts] for name in parts[0]}))


def _arrays(bodies: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Array]:
    nowhere = [0, 0, 0]
    points = [[one["keypoints"].get(name, nowhere) for name in names] for one in bodies]
    boxes = _numbers([one["box"] for one in bodies], (4,))
    areas = [
        box[2] * box[3] if one.get("area") is None else one["area"]
        for one, box in zip(bodies, boxes, strict=True)
    ]
    return {
        "points": _numbers(points, (len(names), 3)),
        "boxes": boxes,
        "areas": _numbers(areas, ()),
        "crowd": np.array([bool(one.get("crowd")) for one in bodies], np.int8),
    }


def _numbers(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    """float64 [n, …]."""
    try:
        numbers = np.array(values, np.float64).reshape(len(values), *shape)
    except (TypeError, ValueError) as error:
        raise _wrong(f"keypoints or boxes are no numbers ({error})", "see COCO's format") from error
    if not (np.abs(numbers) < 1e9).all():
        raise _wrong("keypoints or boxes are no places in an image", "give pixels")
    return numbers


def _wrong(what: str, todo: str) -> ConfigError:
    return ConfigError(what, where="samples", todo=todo)
