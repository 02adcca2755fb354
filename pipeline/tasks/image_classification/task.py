"""The task."""

from __future__ import annotations

from pipeline.base.options import NoOptions
from pipeline.tasks import class_numbers
from pipeline.tasks.contract import Task
from pipeline.tasks.image_classification import answers, metrics, propose, score, show, teach

TASK = Task(
    "image-classification",
    NoOptions,
    metrics=metrics.METRICS,
    input="image",
    example='const [best] = await model.classify(document.querySelector("img"));',
    truth=class_numbers.labels_of,
    answers=answers.answers,
    score=score.accuracy,
    agree=score.agree,
    sure=score.sure,
    scores=answers.scores,
    kinds=class_numbers.classes,
    teach=teach.teach,
    propose=propose.propose,
    show=show.show,
)
