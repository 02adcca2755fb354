"""Labels of a text: one of several, or any number of them."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.text_classification.task import TASK

        return TASK
    raise AttributeError(name)
