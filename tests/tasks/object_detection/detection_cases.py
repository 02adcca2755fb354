"""Outputs of detectors and the objects that Python finds in them, for the twin in JavaScript.

``python -m tests.tasks.object_detection.detection_cases`` writes its ``cases.json``.
``test_detection.py`` holds that Python still answers so, ``tests/client/unit/tasks/`` that
JavaScript does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.inputs.image.fit import origin_of
from pipeline.inputs.image.options import ImageOptions
from pipeline.tasks import object_detection
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

FILE = Path(object_detection.__file__).with_name("cases.json")

Case = dict[str, Any]

#: BlazeFace's rules on a smaller input: 8 * 8 * 2 + 4 * 4 * 6 anchors.
FACES = {"size": 32, "strides": [4, 8, 8, 8], "scales": [0.1484375, 0.75], "fixed_size": True}
#: An SSD head's: 3 * 3 * 3 + 2 * 2 * 4 anchors.
SSD = {
    "size": [24, 32],
    "strides": [10, 16],
    "reduce_lowest": True,
    "aspect_ratios": [1.0, 2.0, 0.5],
}
ROWS = {"boxes": {"output": "y", "columns": [0, 4]}, "scores": {"output": "y", "columns": [4, 5]}}
DECODED = {"boxes": "boxes", "scores": "scores"}
IMAGE = {"size": [32, 32], "color": "rgb", "scale": [0, 1]}


def anchored(kind: str, *, apart: bool) -> Case:
    """A raw head with points, its numbers in one tensor or in two."""
    part = {"output": "boxes"} if apart else {"output": "y", "columns": [1, 5]}
    points = {"output": "boxes", "columns": [4, 8]} if apart else {"output": "y", "columns": [5, 9]}
    scores = {"output": "scores"} if apart else {"output": "y", "columns": [0, 1]}
    boxes = {**part, "order": "cxcywh", "scale": 32}
    if apart:
        boxes["columns"] = [0, 4]
    return {
        "boxes": boxes,
        "scores": {**scores, "activation": "sigmoid"},
        "keypoints": points,
        "anchors": FACES,
        "nms": {"kind": kind, "iou": 0.3},
    }


def _cases() -> list[Case]:
    chance = np.random.default_rng(7)
    count = 8 * 8 * 2 + 4 * 4 * 6
    head = chance.normal(0, 6, (1, count, 9))
    head[..., 0] = chance.normal(-4, 4, (1, count))
    # So large that most meet others.
    head[..., 3:5] = chance.uniform(8, 20, (1, count, 2))
    ssd = {
        "boxes": {
            "output": "boxes",
            "order": "cycxhw",
            "scale": [10, 10, 5, 5],
            "exponential": True,
        },
        "scores": {"output": "scores", "columns": [1, 4], "activation": "sigmoid"},
        "anchors": SSD,
    }
    anchors = 3 * 4 * 3 + 2 * 2 * 4
    raw = {
        "boxes": chance.normal(0, 2, (1, anchors, 1, 4)),
        "scores": chance.normal(-2, 2, (1, anchors, 4)),
    }
    start = chance.uniform(-0.1, 0.8, (1, 40, 1, 2))
    boxes = np.concatenate([start, start + chance.uniform(0.05, 0.5, start.shape)], -1)
    decoded = {"boxes": boxes, "scores": chance.uniform(0, 1, (1, 40, 3)) ** 2}
    ties = {"boxes": np.round(boxes, 1), "scores": np.round(decoded["scores"], 1)}
    rows = np.concatenate([boxes[:, :, 0], chance.uniform(0, 1, (1, 40, 2))], -1)
    rows[..., 5] = chance.integers(1, 4, (1, 40))
    heat = {
        "heat": chance.normal(-1, 2, (1, 6, 8, 2)),
        "size": chance.uniform(0.5, 5, (1, 6, 8, 2)),
        "offset": chance.uniform(0, 1, (1, 6, 8, 2)),
    }
    edges = {
        "heat": chance.uniform(0, 1, (1, 6, 8, 3)) ** 3,
        "edges": chance.uniform(-2, 12, (1, 6, 8, 4)),
    }
    distances = {
        "boxes": {"output": "edges", "order": "ltrb", "scale": [4, 3, 2, 5]},
        "scores": "heat",
        "centers": {},
        "threshold": 0.2,
    }
    centers = {
        "boxes": {"output": "size", "order": "hw"},
        "scores": {"output": "heat", "activation": "sigmoid"},
        "centers": {"offsets": "offset", "order": "yx"},
        "nms": None,
    }
    letterbox = {**IMAGE, "fit": "letterbox"}
    broken = {
        "boxes": np.array([[[0, 0, 1, np.nan], [0.5, 0.5, 0.4, 0.6], [0, 0, 0, 0], [0, 0, 0, 0]]]),
        "scores": np.array([[[0.9], [0.8], [0.7], [0.6]]]),
    }
    chosen = {**ROWS, "classes": {"output": "y", "columns": [5, 6], "first": 1}}
    wide, crop = {**IMAGE, "size": [24, 32]}, {**IMAGE, "size": [24, 32], "fit": "crop"}
    averaged = {"by_class": True, "kind": "weighted"}
    apart = {"boxes": head[..., 1:], "scores": head[..., :1]}
    sizes = {"output": "size", "order": "wh", "scale": 4}
    corner = {"output": "boxes", "order": "xywh", "scale": [2, 4, 2, 4]}
    found: list[tuple[Case, Case, Case]] = [
        (anchored("weighted", apart=False), {"y": head}, letterbox),
        (anchored("plain", apart=False), {"y": head}, letterbox),
        (anchored("weighted", apart=True), apart, IMAGE),
        (ssd, raw, wide),
        ({**ssd, "nms": {"by_class": True, "iou": 0.4}}, raw, crop),
        (DECODED, decoded, IMAGE),
        ({**DECODED, "clip": True, "max": 3}, decoded, letterbox),
        ({**DECODED, "nms": {"by_class": True, "iou": 0.2}, "threshold": 0.1}, decoded, IMAGE),
        ({**DECODED, "nms": averaged, "threshold": 0.3}, decoded, IMAGE),
        ({**DECODED, "nms": {"compat": True}, "threshold": 0.3}, ties, IMAGE),
        ({**DECODED, "nms": {"iou": 0.3}, "threshold": 0.3}, ties, IMAGE),
        ({**DECODED, "nms": {"by_class": True}, "threshold": 0.3}, ties, IMAGE),
        ({**chosen, "nms": None}, {"y": rows}, IMAGE),
        ({**chosen, "nms": {"by_class": True}}, {"y": rows}, IMAGE),
        (centers, heat, {**IMAGE, "size": [24, 32], "fit": "pad"}),
        ({**centers, "boxes": sizes, "centers": {"window": 5}}, heat, IMAGE),
        ({"boxes": corner, "scores": "scores"}, decoded, IMAGE),
        ({"boxes": {"output": "boxes", "order": "cxcywh"}, "scores": "scores"}, decoded, IMAGE),
        (
            {"boxes": {"output": "boxes", "order": "xyxy", "scale": 2}, "scores": "scores"},
            decoded,
            IMAGE,
        ),
        (DECODED, broken, IMAGE),
        ({**distances, "nms": {"by_class": True, "iou": 0.3}}, edges, letterbox),
        ({**distances, "nms": None}, edges, IMAGE),
    ]
    return [
        {
            "options": options,
            "image": image,
            "shape": [50, 70],
            "labels": ["cat", "", "dog"],
            "outputs": {
                name: {"shape": list(values.shape), "data": _figures(values)}
                for name, values in outputs.items()
            },
        }
        for options, outputs, image in found
    ]


def _figures(values: Any) -> list[float | None]:
    """What JSON and float32 both hold; a NaN as null."""
    return [None if np.isnan(value) else round(float(value), 3) for value in values.ravel()]


def answered(case: Case) -> Case:
    """A case with the objects that are found, and all options."""
    purpose = Purpose(name="object-detection", options=case["options"], labels=case["labels"])
    origin = origin_of(ImageOptions.model_validate(case["image"]), *case["shape"])
    origins = PerSample({name: value[None] for name, value in origin.arrays().items()})
    about = purpose.about(origins=origins)
    outputs = {
        name: np.array(one["data"], np.float32).reshape(one["shape"])
        for name, one in case["outputs"].items()
    }
    assert purpose.task.answers is not None
    return {
        **case,
        "options": about.options.model_dump(mode="json"),
        "origin": {name: value.tolist() for name, value in origin.arrays().items()},
        "answers": list(purpose.task.answers(outputs, about)[0]),
    }


if __name__ == "__main__":
    text = ",\n".join(json.dumps(answered(case)) for case in _cases())
    FILE.write_text(f"[\n{text}\n]\n")
