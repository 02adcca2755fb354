"""Where points of the face are in each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About
from pipeline.tasks.face_landmarks.options import Options
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.per_sample import PerSample

#: What samples kinds call them: of each sample a list of ``{"keypoints": {name: [x, y,
#: visible]}}``, in pixels of the image; ``visible`` is 0 where nobody knows where the point is.
NAME = "objects"


def faces_of(facts_of: Sequence[Mapping[str, Any]], about: About[Options]) -> PerSample | None:
    """``points`` float64 [n, annotated points, 3], x, y and whether it is known, of each sample's
    face, in the order of ``annotated``; ``None`` where no keypoint or no name of them is told.

    Raises:
        ConfigError: a sample has no face or several, a number is none, or the corners of the eyes
            that errors are measured by are not known.
    """
    named = about.options.annotated
    faces = [[one for one in facts.get(NAME) or [] if "keypoints" in one] for facts in facts_of]
    if not named or not any(faces):
        return None
    for sample, each in enumerate(faces):
        if len(each) != 1:
            raise _wrong(f"sample {sample} has {len(each)} faces", "give crops of one face each")
    try:
        points = np.array(
            [[face["keypoints"].get(name, [0, 0, 0]) for name in named] for (face,) in faces],
            np.float64,
        ).reshape(len(faces), len(named), 3)
    except (TypeError, ValueError) as error:
        raise _wrong(f"keypoints are no numbers ({error})", "see COCO's format") from error
    if not (np.abs(points) < 1e9).all():
        raise _wrong("keypoints are no places in an image", "give pixels")
    _check_eyes(points, about.options)
    return PerSample({"points": points})


def _check_eyes(points: Array, options: Options) -> None:
    eyes = points[:, options.eyes]
    apart = np.linalg.norm(eyes[:, 0, :2] - eyes[:, 1, :2], axis=-1)
    lacking = np.flatnonzero((eyes[..., 2] <= 0).any(axis=1) | (apart == 0))
    if len(lacking):
        raise _wrong(
            f"the outer corners of the eyes are not known in sample {lacking[0]}",
            "annotate both in every image: errors are shares of their distance",
        )


def _wrong(what: str, todo: str) -> ConfigError:
    return ConfigError(what, where="samples", todo=todo)
