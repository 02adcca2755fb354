"""The task."""

from __future__ import annotations

from pipeline.tasks import class_numbers
from pipeline.tasks.contract import Task
from pipeline.tasks.feature_extraction import answers, metrics, score, show
from pipeline.tasks.feature_extraction.options import Options

TASK = Task(
    "feature-extraction",
    Options,
    metrics=metrics.METRICS,
    example='const embedding = await model.embed(document.querySelector("img"));',
    truth=class_numbers.labels_of,
    answers=answers.answers,
    score=score.neighbour_accuracy,
    agree=score.agree,
    usual={metrics.NEIGHBOUR_AGREEMENT.name: 0.9},
    kinds=class_numbers.classes,
    show=show.show,
)
