"""Answers to questions about a text: the parts of it that say so."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.question_answering.task import TASK

        return TASK
    raise AttributeError(name)
