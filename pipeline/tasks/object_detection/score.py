"""How right boxes are, and whether two models find the same."""

from __future__ import annotations

from pipeline.measures.score import Score
from pipeline.tasks.average_precision import average, list_likenesses
from pipeline.tasks.contract import About
from pipeline.tasks.object_detection import metrics
from pipeline.tasks.object_detection.answers import find
from pipeline.tasks.object_detection.options import Options
from pipeline.tasks.object_detection.precision import match, overlap_all
from pipeline.tasks.object_detection.suppress import Found
from pipeline.tensors.arrays import Arrays, Int64s, np
from pipeline.tensors.per_sample import PerSample

#: Answers count down to this score: precision is measured at every recall.
LEAST_SCORE = 0.01

#: Boxes are the same from this overlap on.
SAME = 0.9

#: How far from the threshold rounding may move a score.
SLACK = 0.05


def precision(outputs: Arrays, truth: PerSample, about: About[Options]) -> Score:
    """COCO's average precision, at overlaps of 0.50 to 0.95 or at 0.5 alone."""
    overlaps = list_likenesses()
    if about.options.metric == metrics.AVERAGE_PRECISION_50.name:
        overlaps = overlaps[:1]
    least = min(LEAST_SCORE, about.options.threshold)
    matched = match(find(outputs, about, least), truth, overlaps)

    def of(rows: Int64s) -> float:
        return average(matched, np.bincount(rows, minlength=len(truth)))

    return Score(about.options.metric, len(truth), of)


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``box_agreement``: of both models' boxes, the share that the other one finds too."""
    least = max(about.options.threshold - SLACK, 0.0)
    pairs = zip(find(outputs, about, least), find(golden, about, least), strict=True)
    shares = [_agreement(*pair, about.options.threshold) for pair in pairs]
    return {metrics.BOX_AGREEMENT.name: float(np.mean(shares))}


def _agreement(found: Found, wanted: Found, threshold: float) -> float:
    """Of two models' boxes in one sample; 1 where neither finds any."""
    pairs = pair_boxes(found, wanted, SAME)
    same = sum(max(found.scores[a], wanted.scores[b]) >= threshold for a, b in pairs)
    # A box without a partner counts once it is clearly over the threshold.
    sure = threshold + SLACK
    lonely = int((found.scores >= sure).sum() + (wanted.scores >= sure).sum())
    lonely -= sum(int(found.scores[a] >= sure) + int(wanted.scores[b] >= sure) for a, b in pairs)
    return float(2 * same / (2 * same + lonely)) if same or lonely else 1.0


def pair_boxes(found: Found, others: Found, least: float) -> list[tuple[int, int]]:
    """Each box with one at most of another model's, of one class and with that overlap at least:
    those that overlap most first."""
    shared = overlap_all(found.boxes, others.boxes, np.zeros(len(others.scores), bool))
    alike = (shared >= least) & (found.classes[:, None] == others.classes)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-np.where(alike, shared, 0.0), axis=None, kind="stable"):
        row, other = (int(i) for i in np.unravel_index(flat, shared.shape))
        if not alike[row, other]:
            break
        if all(row != a and other != b for a, b in pairs):
            pairs.append((row, other))
    return pairs
