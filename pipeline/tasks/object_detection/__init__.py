"""Boxes around objects: of anchors, of centres, decoded, or as a graph chose them."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.object_detection.task import TASK

        return TASK
    raise AttributeError(name)
