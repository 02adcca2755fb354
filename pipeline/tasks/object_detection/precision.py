"""Which boxes are those of which objects, for COCO's average precision."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.tasks.average_precision import Compared, Matched, match_samples
from pipeline.tasks.object_detection.suppress import Found
from pipeline.tensors.arrays import Float64s, NDArray, np
from pipeline.tensors.per_sample import PerSample

#: Answers of a class to an image that count, the surest ones.
MOST_ANSWERS = 100


def match(found: Sequence[Found], truth: PerSample, overlaps: Float64s) -> list[Matched]:
    """Each class with something to find.

    Args:
        found: of each sample.
        truth: as ``truth.py`` has it.
        overlaps: from which on a box is that of an object.
    """
    wanted = np.unique(truth.arrays["classes"][truth.arrays["crowd"] == 0])
    return [
        match_samples([_compare(answers, truth, sample, int(index))
                       for sample, answers in enumerate(found)], overlaps)
        for index in wanted
    ]  # fmt: skip


def _compare(answers: Found, truth: PerSample, sample: int, index: int) -> Compared:
    """The boxes of a class in one sample."""
    mine = np.flatnonzero(answers.classes == index)
    mine = mine[np.argsort(-answers.scores[mine], kind="stable")][:MOST_ANSWERS]
    chosen = truth.of("classes", sample) == index
    crowd = truth.of("crowd", sample)[chosen] != 0
    shared = overlap_all(answers.boxes[mine], truth.of("boxes", sample)[chosen], crowd)
    return Compared(answers.scores[mine], shared, crowd, crowd)


def overlap_all(boxes: Float64s, others: Float64s, crowd: NDArray[np.bool_]) -> Float64s:
    """[k, m], intersection over union of boxes [k, 4] and [m, 4]; with a crowd over the box's own
    area, since a crowd's box holds several."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    sides = np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - low
    shared = np.maximum(sides, 0).prod(axis=-1)
    own, theirs = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others))
    union = np.where(crowd, own[:, None], own[:, None] + theirs - shared)
    shares: Float64s = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares
