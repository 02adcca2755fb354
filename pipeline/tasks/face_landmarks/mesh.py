"""Which points of the mesh are what: ``mesh.json``, which both twins read.

``contours`` are pairs of points that a line joins (``mediapipe/python/solutions/
face_mesh_connections.py``). ``refined`` says which points of the mesh the outputs of an attention
mesh are, and of which the mean depth is an iris' (``landmarks_refinement_calculator``'s options, as
tfjs-models' ``face-landmarks-detection`` has them; both Apache-2.0). Sides are the person's.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

#: Points without the irises, and with them.
COUNT, WITH_IRISES = 468, 478


@cache
def mesh() -> dict[str, Any]:
    """``contours``: name -> pairs; ``refined``: name -> ``points``, and ``depth`` of an iris."""
    data: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return data


def contours(count: int) -> dict[str, list[list[int]]]:
    """Those of a mesh of so many points."""
    return {
        name: pairs for name, pairs in mesh()["contours"].items() if max(map(max, pairs)) < count
    }
