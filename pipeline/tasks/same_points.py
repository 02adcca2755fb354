"""Whether two models put the same points in the same places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.tasks.points import Found
from pipeline.tensors.arrays import Arrays, Float64s, np
from pipeline.tensors.per_sample import PerSample

#: How far from the threshold rounding may move a score.
SLACK = 0.05

#: From this score on a model is sure of a point.
SURE = 0.5


def share_of_same(
    find: Callable[[Arrays, float], Sequence[Found]],
    models: tuple[Arrays, Arrays],
    origins: PerSample | None,
    threshold: float,
    tolerance: float,
) -> float:
    """The share of points in the same place, in the mean of all samples.

    Args:
        find: a model's outputs, and the lowest score of a thing -> what is there in each sample.
        models: the outputs of the one that is judged, and of the one that it is compared with.
        origins, threshold, tolerance: as in ``same_points``.
    """
    least = max(threshold - SLACK, 0.0)
    found, wanted = (find(outputs, least) for outputs in models)
    return float(np.mean(same_points(found, wanted, origins, threshold, tolerance)))


def same_points(
    found: Sequence[Found],
    wanted: Sequence[Found],
    origins: PerSample | None,
    threshold: float,
    tolerance: float,
) -> Float64s:
    """Of each sample the share of the points that ``wanted`` is sure of which ``found`` has in the
    same place: [n].

    Args:
        found: with all things whose score is ``threshold`` less ``SLACK``, or more.
        wanted: the same of the other model.
        origins: how each sample lay in its picture; ``None``: points are shares of the input.
        threshold: the lowest score of a thing.
        tolerance: as a share of the picture's longer side.
    """
    sides = np.ones(len(found)) if origins is None else origins.arrays["size"].max(axis=1)
    samples = zip(found, wanted, sides, strict=True)
    return np.array(
        [_share(mine, other, threshold, tolerance * side) for mine, other, side in samples]
    )


def _share(found: Found, wanted: Found, threshold: float, reach: float) -> float:
    """1 where there is nothing that both have to find."""
    apart = np.linalg.norm(found.points[:, None, :, :2] - wanted.points[None, :, :, :2], axis=-1)
    counts = np.ones(wanted.points.shape[:2], bool) if wanted.sure is None else wanted.sure >= SURE
    pairs = pair_things(np.median(apart, axis=-1))
    same = total = 0
    for row, other in pairs:
        if max(found.scores[row], wanted.scores[other]) >= threshold:
            same += int((apart[row, other] <= reach)[counts[other]].sum())
            total += int(counts[other].sum())
    # Things without a partner count once they are clearly over the threshold.
    alone = sorted(set(range(len(wanted.scores))) - {other for _, other in pairs})
    total += int(counts[alone][wanted.scores[alone] >= threshold + SLACK].sum())
    extra = sorted(set(range(len(found.scores))) - {row for row, _ in pairs})
    total += int((found.scores[extra] >= threshold + SLACK).sum()) * found.points.shape[1]
    return same / total if total else 1.0


def pair_things(apart: Float64s) -> list[tuple[int, int]]:
    """Each with one at most of the others, those that are nearest first.

    Args:
        apart: [k, m], how far one is from another.
    """
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(apart, axis=None, kind="stable"):
        row, other = (int(i) for i in np.unravel_index(flat, apart.shape))
        if all(row != a and other != b for a, b in pairs):
            pairs.append((row, other))
    return pairs
