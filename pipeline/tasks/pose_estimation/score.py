"""How right poses are, and whether two models find the same."""

from __future__ import annotations

from pipeline.measures.score import Score
from pipeline.tasks.average_precision import average, list_likenesses
from pipeline.tasks.contract import About
from pipeline.tasks.pose_estimation import metrics
from pipeline.tasks.pose_estimation.answers import find
from pipeline.tasks.pose_estimation.options import Options
from pipeline.tasks.pose_estimation.precision import count_correct, match
from pipeline.tasks.same_points import share_of_same
from pipeline.tensors.arrays import Arrays, Int64s, np
from pipeline.tensors.per_sample import PerSample

#: Answers count down to this score: precision is measured at every recall.
LEAST_SCORE = 0.01


def precision(outputs: Arrays, truth: PerSample, about: About[Options]) -> Score:
    """COCO's average precision of keypoints, or the share of correct ones."""
    options = about.options
    if options.metric == metrics.CORRECT_KEYPOINTS.name:
        counts = count_correct(find(outputs, about), truth, options.skeleton)

        def share(rows: Int64s) -> float:
            correct, known = counts[rows].sum(axis=0)
            return float(correct / max(known, 1))

        return Score(options.metric, len(truth), share)
    least = min(LEAST_SCORE, options.threshold)
    matched = match(find(outputs, about, least), truth, options.skeleton, list_likenesses())

    def of(rows: Int64s) -> float:
        return average([matched], np.bincount(rows, minlength=len(truth)))

    return Score(options.metric, len(truth), of)


def agree(outputs: Arrays, golden: Arrays, about: About[Options]) -> dict[str, float | None]:
    """``keypoint_agreement``: of the golden's sure keypoints, the share in the same place."""
    options = about.options
    share = share_of_same(
        lambda model, least: find(model, about, least),
        (outputs, golden),
        about.origins,
        options.threshold,
        options.tolerance,
    )
    return {metrics.KEYPOINT_AGREEMENT.name: share}
