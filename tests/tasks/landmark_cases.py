"""Outputs of models of faces and hands, and what Python makes of them, for the twins in JavaScript.

``python -m tests.tasks.landmark_cases`` writes ``cases.json`` of both tasks. ``test_landmarks.py``
holds that Python still answers so, ``tests/client/unit/tasks/`` that JavaScript does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.inputs.image.fit import origin_of
from pipeline.inputs.image.options import ImageOptions
from pipeline.tasks import face_landmarks, hand_landmarks
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

FILES = {
    "face-landmarks": Path(face_landmarks.__file__).with_name("cases.json"),
    "hand-landmarks": Path(hand_landmarks.__file__).with_name("cases.json"),
}

Case = dict[str, Any]

IMAGE = {"size": [48, 64], "color": "rgb", "scale": [0, 1]}
LETTERBOX = {**IMAGE, "fit": "letterbox"}
MESH = {"points": {"output": "mesh", "scale": [64, 48]}, "score": "flag"}
#: Points of each part of an attention mesh.
PARTS = {"lips": 80, "left_eye": 71, "right_eye": 71, "left_iris": 5, "right_iris": 5}
ATTENTION = {
    **MESH,
    "attention": {name: {"output": name, "order": "xy", "scale": [64, 48]} for name in PARTS},
}
HAND = {
    "points": {"output": "points", "scale": 64},
    "score": {"output": "flag", "activation": "sigmoid"},
}
ALL = {**HAND, "handedness": "right", "world": "world"}


def _cases() -> dict[str, list[tuple[Case, Case, Case]]]:
    chance = np.random.default_rng(3)
    flag, logit = np.array([[0.7]]), np.array([[2.0]])
    mesh = {"mesh": chance.uniform(-5, 60, (1, 1404)), "flag": flag}
    parts = {name: chance.uniform(0, 60, (1, 1, 1, 2 * n)) for name, n in PARTS.items()}
    hand = {
        "points": chance.uniform(-5, 60, (1, 63)),
        "flag": logit,
        "right": np.array([[0.8]]),
        "world": chance.normal(0, 0.1, (1, 63)),
    }
    nan = {**hand, "flag": np.array([[np.nan]])}
    return {
        "face-landmarks": [
            (MESH, mesh, LETTERBOX),
            ({**MESH, "threshold": 0.9}, mesh, IMAGE),
            (ATTENTION, {**mesh, **parts}, IMAGE),
        ],
        "hand-landmarks": [
            (ALL, hand, LETTERBOX),
            (ALL, {**hand, "right": np.array([[0.1]])}, {**IMAGE, "fit": "crop"}),
            (HAND, hand, IMAGE),
            (HAND, nan, IMAGE),
            ({**HAND, "threshold": 0.95}, hand, IMAGE),
        ],
    }


def outputs_of(case: Case) -> dict[str, Any]:
    return {
        name: np.array(one["data"], np.float32).reshape(one["shape"])
        for name, one in case["outputs"].items()
    }


def answered(task: str, case: Case) -> Case:
    """A case with what is found, and all options."""
    origin = origin_of(ImageOptions.model_validate(case["image"]), *case["shape"])
    origins = PerSample({name: value[None] for name, value in origin.arrays().items()})
    purpose = Purpose(name=task, options=case["options"])
    about = purpose.about(origins=origins)
    assert purpose.task.answers is not None
    return {
        **case,
        "options": about.options.model_dump(mode="json"),
        "origin": {name: value.tolist() for name, value in origin.arrays().items()},
        "answers": list(purpose.task.answers(outputs_of(case), about)[0]),
    }


def _figures(values: Any) -> list[float | None]:
    """What JSON and float32 both hold; a NaN as null."""
    return [None if np.isnan(value) else round(float(value), 3) for value in values.ravel()]


def _write(task: str, cases: list[tuple[Case, Case, Case]]) -> None:
    texts = []
    for options, outputs, image in cases:
        told = {
            name: {"shape": list(values.shape), "data": _figures(values)}
            for name, values in outputs.items()
        }
        case = {"options": options, "image": image, "shape": [50, 70], "outputs": told}
        texts.append(json.dumps(answered(task, case)))
    FILES[task].write_text("[\n" + ",\n".join(texts) + "\n]\n")


if __name__ == "__main__":
    for task, cases in _cases().items():
        _write(task, cases)
