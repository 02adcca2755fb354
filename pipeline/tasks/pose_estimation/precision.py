"""How right keypoints are: COCO's average precision, and the share of correct ones.

Object keypoint similarity and its rules are those of ``pycocotools.cocoeval``
(https://cocodataset.org/#keypoints-eval), correct keypoints those of Yang and Ramanan 2013 with a
fifth of the torso, as BlazePose is measured (Bazarevsky et al. 2020, arXiv:2006.10204).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.tasks.average_precision import Compared, Matched, match_samples
from pipeline.tasks.points import Found
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tasks.same_points import pair_things
from pipeline.tensors.arrays import Array, Float64s, Int64s, NDArray, np
from pipeline.tensors.per_sample import PerSample

#: Answers to an image that count, the surest ones.
MOST_ANSWERS = 20

#: How far people who mark each of COCO's 17 keypoints are apart, as a share of the body's size.
SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
    0.087, 0.087, 0.089, 0.089,
)  # fmt: skip

#: A keypoint is correct within this share of the torso.
NEAR = 0.2


def match(found: Sequence[Found], truth: PerSample, skeleton: str, least: Float64s) -> Matched:
    """Bodies by object keypoint similarity.

    Args:
        found: of each sample.
        truth: as ``truth.py`` has it.
        skeleton: of the model's points.
        least: the similarities from which on a pose is a body's.
    """
    compared = []
    for sample, poses in enumerate(found):
        there = truth.sample(sample)
        best = poses.rows(np.argsort(-poses.scores, kind="stable")[:MOST_ANSWERS])
        crowd = there["crowd"] != 0
        # Of whom no keypoint is known, none need be found.
        spare = crowd | ~(there["points"][..., 2] > 0).any(axis=1)
        alike = similarity(in_order_of_coco(best, skeleton), there)
        compared.append(Compared(best.scores, alike, spare, crowd))
    return match_samples(compared, least)


def in_order_of_coco(found: Found, skeleton: str) -> Float64s:
    """[k, 17, 2], x and y of COCO's keypoints."""
    names = skeletons()[skeleton].names
    return found.points[:, [names.index(name) for name in skeletons()["coco"].names], :2]


def similarity(points: Float64s, there: Mapping[str, Array]) -> Float64s:
    """[k, m], object keypoint similarity of [k, 17, 2] to m bodies.

    Of a body without a known keypoint it is told by how far points are from a box twice as large
    and wide.
    """
    wanted = there["points"][..., :2]
    known: NDArray[np.bool_] = np.greater(there["points"][..., 2], 0)
    apart = points[:, None] - wanted[None]
    low = there["boxes"][:, None, :2] - there["boxes"][:, None, 2:]
    high = there["boxes"][:, None, :2] + 2 * there["boxes"][:, None, 2:]
    outside = np.maximum(0, low[None] - points[:, None]) + np.maximum(
        0, points[:, None] - high[None]
    )
    none: NDArray[np.bool_] = known.sum(axis=1) == 0
    squares = (np.where(none[:, None, None], outside, apart) ** 2).sum(axis=-1)
    size = there["areas"][:, None] + np.spacing(1)
    reach = 2 * np.array(SIGMAS)
    near = np.exp(-squares / (2 * reach**2 * size))
    counts = known | none[:, None]
    shares: Float64s = (near * counts).sum(axis=-1) / counts.sum(axis=-1)
    return shares


def count_correct(found: Sequence[Found], truth: PerSample, skeleton: str) -> Int64s:
    """[n, 2], of each sample the correct keypoints and all that are known, of bodies whose torso is
    known: the longer way from a shoulder to the hip across."""
    return np.array(
        [
            _count(in_order_of_coco(poses, skeleton), truth.sample(sample))
            for sample, poses in enumerate(found)
        ]
    ).reshape(-1, 2)


def _count(points: Float64s, there: Mapping[str, Array]) -> tuple[int, int]:
    torsos = np.array([_torso(body) for body in there["points"]])
    bodies = np.flatnonzero((torsos > 0) & (there["crowd"] == 0))
    known = there["points"][bodies][..., 2] > 0
    correct = 0
    alike = similarity(points, {name: values[bodies] for name, values in there.items()})
    for pose, body in pair_things(-alike):
        apart = np.linalg.norm(points[pose] - there["points"][bodies[body]][:, :2], axis=-1)
        correct += int((apart[known[body]] <= NEAR * torsos[bodies[body]]).sum())
    return correct, int(known.sum())


def _torso(body: Float64s) -> float:
    """0 where it is not known."""
    names = skeletons()["coco"].names
    ways = [("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")]
    ends = [body[[names.index(name) for name in way]] for way in ways]
    known = [np.linalg.norm(a[:2] - b[:2]) for a, b in ends if a[2] > 0 and b[2] > 0]
    return float(max(known, default=0.0))
