"""Outputs -> a hand's points in pixels of the image. Its twin is ``task.js``."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.tasks import landmarks
from pipeline.tasks.contract import About
from pipeline.tasks.hand_landmarks.options import Options
from pipeline.tasks.part import read_table
from pipeline.tasks.points import Found, in_space, keypoints_of, read_points
from pipeline.tensors.arrays import Arrays

AT = "task.hand-landmarks."


@cache
def hand() -> dict[str, Any]:
    """``names`` of the points, and ``connections``, pairs of them: ``hand.json``, which both twins
    read (``mediapipe/python/solutions/hands_connections.py``, Apache-2.0)."""
    data: dict[str, Any] = json.loads(Path(__file__).with_name("hand.json").read_text())
    return data


def answers(outputs: Arrays, about: About[Options]) -> list[list[dict[str, Any]]]:
    """Of each sample its hand, or none.

    Each is ``{"score", "keypoints": [{"x", "y", "z", "name"}], "connections"}``, and has
    ``"handedness"``, ``{"label", "score"}``, and ``"keypoints3D"`` in metres where the model tells
    such. Of samples that do not know how they lay in an image, lengths are shares of the input.
    """
    return [
        [
            {
                "score": float(found.scores[0]),
                "keypoints": keypoints_of(found, 0, hand()["names"]),
                "connections": hand()["connections"],
                **_more({name: values[sample] for name, values in outputs.items()}, about.options),
            }
            for _ in found.scores
        ]
        for sample, found in enumerate(landmarks.find(outputs, about, decode))
    ]


def decode(outputs: Arrays, about: About[Options]) -> Found:
    """Of one sample, as shares of the input.

    Raises:
        ConfigError: an output is missing, or has not so many numbers.
    """
    found = read_points(outputs, about.options.points, len(hand()["names"]), AT + "points")
    return replace(found, scores=landmarks.read_score(outputs, about, AT + "score"))


def _more(outputs: Arrays, options: Options) -> dict[str, Any]:
    """Which hand it is, and where its points are in space."""
    more: dict[str, Any] = {}
    if options.handedness:
        right = float(read_table(outputs, options.handedness, AT + "handedness", 1, 1)[0, 0])
        label = "right" if right >= 0.5 else "left"
        more["handedness"] = {"label": label, "score": max(right, 1 - right)}
    if options.world:
        names = hand()["names"]
        table = read_table(outputs, options.world, AT + "world", 1, 3 * len(names))
        more["keypoints3D"] = in_space(table.reshape(-1, 3), names)
    return more
