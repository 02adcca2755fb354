"""The task itself."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.text_classification import answers, metrics, score, show, teach, truth
from pipeline.tasks.text_classification.options import TextClassificationOptions

TASK = Task(
    "text-classification",
    TextClassificationOptions,
    metrics=metrics.METRICS,
    input="text",
    example='const [first] = await model.classify("What a fine day!");',
    reads=(truth.NAME, truth.ONE),
    truth=truth.labels_of,
    answers=answers.answers,
    score=score.score,
    agree=score.agree,
    sure=score.sure,
    scores=answers.scores,
    kinds=truth.kinds,
    teach=teach.teach,
    show=show.show,
)
