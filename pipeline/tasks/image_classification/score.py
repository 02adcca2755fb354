"""How right classes are, how sure, and whether two models name the same."""

from __future__ import annotations

from pipeline.base.options import NoOptions
from pipeline.measures.score import Score, share_of
from pipeline.tasks.class_numbers import classes
from pipeline.tasks.contract import About, Sure
from pipeline.tasks.image_classification.answers import rank_classes, scores
from pipeline.tensors.arrays import Arrays, Int64s, np
from pipeline.tensors.per_sample import PerSample


def accuracy(outputs: Arrays, truth: PerSample, about: About[NoOptions]) -> Score:
    """The share of samples whose highest score is at their label, as ``top1_accuracy``."""
    labels = classes(truth)
    right = rank_classes(outputs, 1)[:, 0] == labels
    return share_of("top1_accuracy", right, chance(outputs, labels))


def chance(outputs: Arrays, labels: Int64s) -> float:
    """The share of samples that whoever does not look at them gets right at most.

    That of the commonest label; of one that all samples have, what a class chosen blindly gets.
    """
    counts = np.unique(labels, return_counts=True)[1]
    return float(counts.max() / counts.sum()) if len(counts) > 1 else 1 / scores(outputs).shape[1]


def agree(outputs: Arrays, golden: Arrays, about: About[NoOptions]) -> dict[str, float | None]:
    """Shares of samples on which an artifact agrees with the golden.

    ``top1_agreement``: both name the same class first. ``top5_agreement``: the golden's first class
    is among the artifact's first five; with five classes or fewer any answer would be, so that
    there is none.
    """
    # One more than is compared, to see whether there are more.
    answered, expected = rank_classes(outputs, 6), rank_classes(golden, 1)
    top1 = float((answered[:, :1] == expected).mean())
    top5 = (
        float((answered[:, :5] == expected).any(axis=1).mean()) if answered.shape[1] > 5 else None
    )
    return {"top1_agreement": top1, "top5_agreement": top5}


def sure(outputs: Arrays, about: About[NoOptions]) -> Sure | None:
    """The first class and its probability; ``None`` where outputs are no probabilities."""
    if not all(about.softmax.get(name) for name in outputs):
        return None
    # A NaN is no class that anything could be sure of.
    numbers = np.nan_to_num(scores(outputs).astype(np.float32), nan=0.0)
    return Sure(numbers.argmax(axis=1).astype(np.int32), numbers.max(axis=1))
