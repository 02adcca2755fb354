"""Whether two models find the same poses."""

from __future__ import annotations

from pipeline.tasks.contract import About
from pipeline.tasks.pose_estimation import metrics
from pipeline.tasks.pose_estimation.answers import find
from pipeline.tasks.pose_estimation.options import Options
from pipeline.tasks.same_points import share_of_same
from pipeline.tensors.arrays import Arrays


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
