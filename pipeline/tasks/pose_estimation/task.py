"""The task."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.pose_estimation import answers, metrics, score, show, truth
from pipeline.tasks.pose_estimation.options import Options

TASK = Task(
    "pose-estimation",
    Options,
    metrics=metrics.METRICS,
    input="image",
    example='const poses = await model.pose(document.querySelector("img"));',
    reads=(truth.NAME,),
    truth=truth.poses_of,
    answers=answers.answers,
    score=score.precision,
    agree=score.agree,
    usual={metrics.KEYPOINT_AGREEMENT.name: 0.9},
    show=show.show,
)
