"""The task."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.object_detection import answers, metrics, score, show, truth
from pipeline.tasks.object_detection.options import Options

TASK = Task(
    "object-detection",
    Options,
    metrics=metrics.METRICS,
    input="image",
    example='const objects = await model.detect(document.querySelector("img"));',
    reads=(truth.NAME,),
    truth=truth.objects_of,
    answers=answers.answers,
    score=score.precision,
    agree=score.agree,
    usual={metrics.BOX_AGREEMENT.name: 0.9},
    show=show.show,
)
