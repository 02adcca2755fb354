"""Embeddings of images and texts: numbers that are near each other where these are alike."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.feature_extraction.task import TASK

        return TASK
    raise AttributeError(name)
