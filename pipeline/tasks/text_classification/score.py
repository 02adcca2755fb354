"""How right labels are, how sure, and whether two models give the same."""

from __future__ import annotations

from pipeline.measures.score import Score, share_of
from pipeline.tasks.contract import Sure
from pipeline.tasks.text_classification.answers import Told, decided, probabilities
from pipeline.tasks.text_classification.truth import kinds, matrix
from pipeline.tensors.arrays import Arrays, Float64s, NDArray, np
from pipeline.tensors.per_sample import PerSample


def score(outputs: Arrays, truth: PerSample, about: Told) -> Score:
    """What the options' metric says of the answers."""
    shares, answered = probabilities(outputs, about), decided(outputs, about)
    right = matrix(truth, shares.shape[1])
    metric = about.options.metric or ("accuracy" if about.options.labels == "one" else "f1")
    if metric == "accuracy":
        sizes = np.unique(kinds(truth), return_counts=True)[1]
        all_right = (answered == right).all(axis=1)
        chance = float(sizes.max() / sizes.sum()) if len(sizes) > 1 else 1 / shares.shape[1]
        return share_of("label_accuracy", all_right, chance)
    if metric == "f1":
        return Score("label_f1", len(right), lambda rows: f1(answered[rows], right[rows]))
    return Score("label_roc_auc", len(right), lambda rows: roc_auc(shares[rows], right[rows]))


def f1(answered: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """The mean over labels of the harmonic mean of precision and recall (van Rijsbergen 1979).

    Labels that no text has and none is given count nothing; without any other, all is right.

    Args:
        answered: bool [n, labels].
        right: the same of the truth.
    """
    both = (answered & right).sum(axis=0)
    all_of = answered.sum(axis=0) + right.sum(axis=0)
    there = all_of > 0
    return float((2 * both[there] / all_of[there]).mean()) if there.any() else 1.0


def roc_auc(shares: Float64s, right: NDArray[np.bool_]) -> float:
    """The mean over labels of the chance that a text with the label has a higher score than one
    without, equal ones counted half (Hanley and McNeil 1982).

    Labels that all or no texts have tell nothing; without any other, it is that of chance.

    Args:
        shares: [n, labels].
        right: bool [n, labels].
    """
    areas = [
        area
        for label in range(shares.shape[1])
        if (area := _area(shares[:, label], right[:, label])) is not None
    ]
    return float(np.mean(areas)) if areas else 0.5


def _area(values: Float64s, right: NDArray[np.bool_]) -> float | None:
    """By the ranks of those with the label (Mann and Whitney 1947)."""
    yes = int(right.sum())
    no = len(right) - yes
    if not yes or not no:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Float64s = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[right].sum() - yes * (yes + 1) / 2) / (yes * no))


def agree(outputs: Arrays, golden: Arrays, about: Told) -> dict[str, float | None]:
    """``label_agreement``: the share of texts that get the same labels."""
    same = decided(outputs, about) == decided(golden, about)
    return {"label_agreement": float(same.all(axis=1).mean())}


def sure(outputs: Arrays, about: Told) -> Sure | None:
    """The likeliest label and its probability; ``None`` where a text has any number of labels."""
    if about.options.labels == "many":
        return None
    # A NaN is no label that anything could be sure of.
    shares = np.nan_to_num(probabilities(outputs, about), nan=0.0).astype(np.float32)
    return Sure(shares.argmax(axis=1).astype(np.int32), shares.max(axis=1))
