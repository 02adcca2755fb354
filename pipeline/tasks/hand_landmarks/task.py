"""The task."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.hand_landmarks import answers, metrics, score, show
from pipeline.tasks.hand_landmarks.options import Options

TASK = Task(
    "hand-landmarks",
    Options,
    metrics=metrics.METRICS,
    input="image",
    example='const hands = await model.hands(document.querySelector("img"));',
    reads=(),
    answers=answers.answers,
    agree=score.agree,
    usual={metrics.HAND_AGREEMENT.name: 0.9},
    show=show.show,
)
