"""Points of a body by name, and which a line joins: ``skeletons.json``, which both twins read.

``coco`` has the 17 of COCO's keypoints (https://cocodataset.org/#keypoints-2020), ``blazepose`` the
33 of MediaPipe's pose (``mediapipe/python/solutions/pose_connections.py``, Apache-2.0). Behind
those its model tells two that only say where to look for the body next: the middle of the hips, and
a point of a circle around the body (``pose_landmarks_to_roi.pbtxt``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Skeleton:
    names: tuple[str, ...]
    connections: tuple[tuple[int, int], ...]
    """Pairs of points, by their place in ``names``."""
    auxiliary: int
    """Points behind those, of which nothing is drawn."""


@cache
def skeletons() -> dict[str, Skeleton]:
    """By name."""
    data = json.loads(Path(__file__).with_suffix(".json").read_text())
    return {
        name: Skeleton(
            tuple(one["names"]),
            tuple((a, b) for a, b in one["connections"]),
            one.get("auxiliary", 0),
        )
        for name, one in data.items()
    }
