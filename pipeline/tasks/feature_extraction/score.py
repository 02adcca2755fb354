"""How near embeddings are, to the source's and to those of the same class."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.measures.score import Score, share_of
from pipeline.tasks.class_numbers import classes
from pipeline.tasks.contract import About
from pipeline.tasks.feature_extraction.answers import embeddings, unit
from pipeline.tasks.feature_extraction.metrics import (
    LEAST_COSINE,
    NEIGHBOUR_ACCURACY,
    NEIGHBOUR_AGREEMENT,
)
from pipeline.tasks.feature_extraction.options import Options
from pipeline.tensors.arrays import Arrays, Float64s, Int64s, np
from pipeline.tensors.per_sample import PerSample

#: So many neighbours are compared.
NEAREST = 10
#: Of a cosine: what rounding may move.
SLACK = 1e-3
#: Rows whose cosines with all others are in memory at once.
ROWS = 512


def neighbour_accuracy(outputs: Arrays, truth: PerSample, about: About[Options]) -> Score:
    """The share of samples whose nearest other sample is of the same class.

    A nearest neighbour's class, each sample left out in turn (Cover and Hart 1967).
    """
    labels, vectors = classes(truth), unit(embeddings(outputs, about))
    nearest = np.concatenate([near.argmax(axis=1) for near in _cosines(vectors)])
    counts = np.unique(labels, return_counts=True)[1]
    chance = float(counts.max() / counts.sum())
    return share_of(NEIGHBOUR_ACCURACY.name, labels[nearest] == labels, chance)


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``neighbour_agreement`` and ``least_cosine``; of one sample only the latter."""
    vectors, wanted = (unit(embeddings(each, about)) for each in (outputs, golden))
    return {
        NEIGHBOUR_AGREEMENT.name: _same_neighbours(vectors, wanted),
        LEAST_COSINE.name: float((vectors * wanted).sum(axis=1).min()),
    }


def _same_neighbours(vectors: Float64s, wanted: Float64s) -> float | None:
    count = min(NEAREST, (len(vectors) - 1) // 2)
    if count < 1:
        return None
    shares = [
        (np.take_along_axis(theirs, _largest(ours, count), axis=1) >= _least(theirs, count) - SLACK)
        for ours, theirs in zip(_cosines(vectors), _cosines(wanted), strict=True)
    ]
    return float(np.concatenate(shares).mean())


def _cosines(vectors: Float64s) -> Iterator[Float64s]:
    """With all, of some rows after others; with itself each has the least there is."""
    for start in range(0, len(vectors), ROWS):
        near: Float64s = vectors[start : start + ROWS] @ vectors.T
        rows = np.arange(len(near))
        near[rows, start + rows] = -np.inf
        yield near


def _largest(near: Float64s, count: int) -> Int64s:
    found: Int64s = np.argpartition(near, -count, axis=1)[:, -count:]
    return found


def _least(near: Float64s, count: int) -> Float64s:
    """Of the largest ones of each row, [rows, 1]."""
    found: Float64s = np.partition(near, -count, axis=1)[:, [-count]]
    return found
