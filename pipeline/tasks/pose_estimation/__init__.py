"""Poses of bodies: of heatmaps, of points, or of MediaPipe's landmarks."""

from typing import Any


def __getattr__(name: str) -> Any:
    """``TASK``, once it is asked for: who only tells of its metrics need not load it."""
    if name == "TASK":
        from pipeline.tasks.pose_estimation.task import TASK

        return TASK
    raise AttributeError(name)
