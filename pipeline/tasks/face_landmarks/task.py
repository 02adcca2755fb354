"""The task."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.face_landmarks import answers, metrics, score, show, truth
from pipeline.tasks.face_landmarks.options import Options

TASK = Task(
    "face-landmarks",
    Options,
    metrics=metrics.METRICS,
    input="image",
    example='const faces = await model.face(document.querySelector("img"));',
    reads=(truth.NAME,),
    truth=truth.faces_of,
    answers=answers.answers,
    score=score.error,
    agree=score.agree,
    usual={metrics.FACE_AGREEMENT.name: 0.9},
    show=show.show,
)
