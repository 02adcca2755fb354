"""The task."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.object_detection import answers
from pipeline.tasks.object_detection.options import Options

TASK = Task(
    "object-detection",
    Options,
    input="image",
    example='const objects = await model.detect(document.querySelector("img"));',
    answers=answers.answers,
)
