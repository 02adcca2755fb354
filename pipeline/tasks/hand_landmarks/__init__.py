"""Points of a hand in a crop of it."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.hand_landmarks.task import TASK

        return TASK
    raise AttributeError(name)
