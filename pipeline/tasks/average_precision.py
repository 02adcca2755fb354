"""Average precision, by COCO's rules: those of ``pycocotools.cocoeval`` over all areas.

The area under precision over recall at 101 recalls, of each class, at likenesses from 0.50 to 0.95
(Lin et al. 2014, arXiv:1405.0312; https://cocodataset.org/#detection-eval). What makes an answer
like a thing is the task's: the overlap of boxes, the distance of keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.tensors.arrays import Float64s, Int64s, NDArray, np


def list_likenesses() -> Float64s:
    """[10]."""
    return np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class Matched:
    """A class: its d answers in all n samples, the surest first, and what they are worth."""

    samples: Int64s
    """[d], the sample of each."""
    right: NDArray[np.bool_]
    """[likenesses, d]: whether it is the first one of a thing."""
    counted: NDArray[np.bool_]
    """[likenesses, d]: what meets a thing that need not be found is neither right nor wrong."""
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
        means = []
        for right, counted in zip(self.right, self.counted, strict=True):
            # Between right answers precision only falls, and recall stays.
            places = np.flatnonzero(right)
            found = np.cumsum(weight[places], dtype=np.float64)
            answers = np.cumsum(np.where(counted, weight, 0))[places]
            precision = found / np.maximum(answers, 1)
            # The best of what finds as much or more.
            best = np.maximum.accumulate(precision[::-1])[::-1]
            means.append(_at_recalls(found / total, best))
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


@dataclass(frozen=True)
class Compared:
    """The answers to one sample, of a class, beside what is there of it."""

    scores: Float64s
    """[k], the surest first."""
    alike: Float64s
    """[k, m], how like each answer is to each thing, 0 to 1."""
    spare: NDArray[np.bool_]
    """[m], things that need not be found."""
    crowd: NDArray[np.bool_]
    """[m], those of them that hold several, and meet any number of answers."""


def match_samples(samples: Sequence[Compared], likenesses: Float64s) -> Matched:
    """What the answers of a class are worth.

    Args:
        likenesses: from which on an answer is of a thing.
    """
    pairs = [[_match_sample(sample, least) for least in likenesses] for sample in samples]
    right, counted = (
        np.concatenate(
            [
                np.array([pair[part] for pair in each]).reshape(len(likenesses), -1)
                for each in pairs
            ],
            axis=1,
        ).astype(bool)
        for part in (0, 1)
    )
    numbers = np.repeat(np.arange(len(samples)), [len(sample.scores) for sample in samples])
    order = np.argsort(-np.concatenate([sample.scores for sample in samples]), kind="stable")
    things = np.array([int((~sample.spare).sum()) for sample in samples], np.int64)
    return Matched(numbers[order], right[:, order], counted[:, order], things)


def _match_sample(sample: Compared, least: float) -> tuple[list[bool], list[bool]]:
    """Of each answer, the surest first, whether it is right, and whether it counts."""
    spare = sample.spare
    free = np.ones(len(spare), bool)
    right, counted = [], []
    for row in sample.alike:
        able = (row >= min(least, 1 - 1e-10)) & free
        # What is to be found is taken first; of equals, the last one.
        for those in (able & ~spare, able & spare):
            if those.any():
                best = np.flatnonzero(those & (row == row[those].max()))[-1]
                free[best] = sample.crowd[best]
                right.append(not spare[best])
                counted.append(not spare[best])
                break
        else:
            right.append(False)
            counted.append(True)
    return right, counted
