"""Average precision, by COCO's rules: those of ``pycocotools.cocoeval`` over all areas.

The area under precision over recall at 101 recalls, of each class, at overlaps from 0.50 to 0.95
(Lin et al. 2014, arXiv:1405.0312; https://cocodataset.org/#detection-eval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.tasks.object_detection.suppress import Found
from pipeline.tensors.arrays import Float64s, Int64s, NDArray, np
from pipeline.tensors.per_sample import PerSample

#: Answers of a class to an image that count, the surest ones.
MOST_ANSWERS = 100


def list_overlaps() -> Float64s:
    """[10]."""
    return np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class Matched:
    """A class: its d answers in all n samples, the surest first, and what they are worth."""

    samples: Int64s
    """[d], the sample of each."""
    right: NDArray[np.bool_]
    """[overlaps, d]: whether it is the first one of an object."""
    counted: NDArray[np.bool_]
    """[overlaps, d]: what meets a crowd is neither right nor wrong."""
    objects: Int64s
    """[n], how many there are to find in each sample."""

    def precision(self, times: Int64s) -> float:
        """Average precision; NaN where there is nothing to find.

        Args:
            times: [n], how often each sample is there.
        """
        total = int((self.objects * times).sum())
        if not total:
            return float("nan")
        weight = times[self.samples]
        right = np.cumsum(self.right * weight, axis=1, dtype=np.float64)
        wrong = np.cumsum((self.counted & ~self.right) * weight, axis=1, dtype=np.float64)
        precision = right / np.maximum(right + wrong, 1)
        # The best of what finds as much or more.
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        means = [
            _at_recalls(recall, best) for recall, best in zip(right / total, precision, strict=True)
        ]
        return float(np.mean(means))


def _at_recalls(recall: Float64s, precision: Float64s) -> float:
    """The mean of the precision at each recall; 0 where that is not reached."""
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0.0)[places].mean())


def average(classes: Sequence[Matched], times: Int64s) -> float:
    """The mean over classes of which there is something to find; 0 without any.

    Args:
        times: [n], how often each sample is there.
    """
    values = np.array([matched.precision(times) for matched in classes])
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def match(found: Sequence[Found], truth: PerSample, overlaps: Float64s) -> list[Matched]:
    """Each class with something to find.

    Args:
        found: of each sample.
        truth: as ``truth.py`` has it.
        overlaps: from which on a box is that of an object.
    """
    wanted = np.unique(truth.arrays["classes"][truth.arrays["crowd"] == 0])
    return [_match_class(found, truth, int(index), overlaps) for index in wanted]


def _match_class(
    found: Sequence[Found], truth: PerSample, index: int, overlaps: Float64s
) -> Matched:
    samples, scores, right, counted, objects = [], [], [], [], []
    for sample, answers in enumerate(found):
        mine = np.flatnonzero(answers.classes == index)
        mine = mine[np.argsort(-answers.scores[mine], kind="stable")][:MOST_ANSWERS]
        there = {name: truth.of(name, sample) for name in ("boxes", "classes", "crowd")}
        chosen = there["classes"] == index
        crowd = there["crowd"][chosen] != 0
        shared = overlap_all(answers.boxes[mine], there["boxes"][chosen], crowd)
        pairs = [_match_image(shared, crowd, least) for least in overlaps]
        samples.append(np.full(len(mine), sample))
        scores.append(answers.scores[mine])
        right.append(np.array([one for one, _ in pairs]).reshape(len(overlaps), -1))
        counted.append(np.array([other for _, other in pairs]).reshape(len(overlaps), -1))
        objects.append(int((~crowd).sum()))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Matched(
        np.concatenate(samples)[order],
        np.concatenate(right, axis=1)[:, order].astype(bool),
        np.concatenate(counted, axis=1)[:, order].astype(bool),
        np.array(objects, np.int64),
    )


def _match_image(
    shared: Float64s, crowd: NDArray[np.bool_], least: float
) -> tuple[list[bool], list[bool]]:
    """Of each answer, the surest first, whether it is right, and whether it counts.

    Args:
        shared: [answers, objects], overlaps.
    """
    free = np.ones(len(crowd), bool)
    right, counted = [], []
    for row in shared:
        able = (row >= min(least, 1 - 1e-10)) & free
        # An object is taken before a crowd; of equals, the last one.
        for those in (able & ~crowd, able & crowd):
            if those.any():
                best = np.flatnonzero(those & (row == row[those].max()))[-1]
                free[best] = crowd[best]
                right.append(not crowd[best])
                counted.append(not crowd[best])
                break
        else:
            right.append(False)
            counted.append(True)
    return right, counted


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
