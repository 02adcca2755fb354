"""Outputs of pose estimators and the poses that Python finds in them, for the twin in JavaScript.

``python -m tests.tasks.pose_estimation.pose_cases`` writes its ``cases.json``. ``test_poses.py``
holds that Python still answers so, ``tests/client/unit/tasks/`` that JavaScript does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.inputs.image.fit import origin_of
from pipeline.inputs.image.options import ImageOptions
from pipeline.tasks import pose_estimation
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

FILE = Path(pose_estimation.__file__).with_name("cases.json")

Case = dict[str, Any]

IMAGE = {"size": [65, 97], "color": "rgb", "scale": [0, 1]}
LETTERBOX = {**IMAGE, "fit": "letterbox"}
HEATMAPS = {"scores": {"output": "heat", "activation": "sigmoid"}, "offsets": "offset"}
SEVERAL = {**HEATMAPS, "forward": "forward", "backward": "backward", "least": 0.6}
MOVENET = {"points": {"output": "y", "order": "yxs"}}
MULTIPOSE = {
    "points": {"output": "y", "columns": [0, 51], "order": "yxs", "rows": 6},
    "score": {"output": "y", "columns": [55, 56]},
}
BLAZEPOSE = {
    "skeleton": "blazepose",
    "points": {
        "output": "points",
        "order": "xyzvp",
        "scale": [97, 65],
        "activation": "sigmoid",
    },
    "score": "flag",
    "refine": {"output": "heat", "activation": "sigmoid", "window": 3},
    "world": "world",
}


def _cases() -> list[Case]:
    chance = np.random.default_rng(5)
    maps = {
        "heat": chance.normal(-2, 2, (1, 5, 7, 17)),
        "offset": chance.normal(0, 6, (1, 5, 7, 34)),
        "forward": chance.normal(0, 20, (1, 5, 7, 32)),
        "backward": chance.normal(0, 20, (1, 5, 7, 32)),
    }
    broken = {**maps, "heat": maps["heat"].copy(), "offset": maps["offset"].copy()}
    broken["heat"][0, 0, 0, :5] = np.nan
    broken["offset"][0, 2, 3] = np.nan
    single, several = chance.uniform(0, 1, (1, 1, 17, 3)), chance.uniform(0, 1, (1, 6, 56))
    body = {
        "points": chance.uniform(-8, 90, (1, 195)),
        "flag": np.array([[0.9]]),
        "heat": chance.normal(0, 2, (1, 8, 12, 39)),
        "world": chance.normal(0, 0.5, (1, 117)),
    }
    raw = {**body, "flag": np.array([[2.0]])}
    plain = {name: value for name, value in BLAZEPOSE.items() if name not in ("refine", "world")}
    found: list[tuple[Case, Case, Case]] = [
        ({"heatmaps": HEATMAPS, "threshold": 0}, maps, IMAGE),
        ({"heatmaps": HEATMAPS, "threshold": 0}, broken, IMAGE),
        ({"heatmaps": SEVERAL, "threshold": 0}, maps, LETTERBOX),
        ({"heatmaps": {**SEVERAL, "radius": 3}, "max": 40, "threshold": 0.1}, maps, IMAGE),
        ({"heatmaps": {**SEVERAL, "least": 0.99}}, maps, IMAGE),
        (MOVENET, {"y": single}, LETTERBOX),
        ({**MOVENET, "seen": 0.7}, {"y": single}, {**IMAGE, "fit": "crop"}),
        ({**MOVENET, "threshold": 0.9}, {"y": single}, IMAGE),
        (MULTIPOSE, {"y": several}, {**IMAGE, "fit": "pad"}),
        ({**MULTIPOSE, "max": 2}, {"y": several}, IMAGE),
        (BLAZEPOSE, body, LETTERBOX),
        ({**plain, "score": {"output": "flag", "activation": "sigmoid"}}, raw, IMAGE),
    ]
    return [
        {
            "options": options,
            "image": image,
            "shape": [50, 70],
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


def outputs_of(case: Case) -> dict[str, Any]:
    return {
        name: np.array(one["data"], np.float32).reshape(one["shape"])
        for name, one in case["outputs"].items()
    }


def answered(case: Case) -> Case:
    """A case with the poses that are found, and all options; a NaN as null."""
    origin = origin_of(ImageOptions.model_validate(case["image"]), *case["shape"])
    origins = PerSample({name: value[None] for name, value in origin.arrays().items()})
    purpose = Purpose(name="pose-estimation", options=case["options"])
    about = purpose.about(origins=origins)
    assert purpose.task.answers is not None
    return {
        **case,
        "options": about.options.model_dump(mode="json"),
        "origin": {name: value.tolist() for name, value in origin.arrays().items()},
        "answers": _plain(purpose.task.answers(outputs_of(case), about)[0]),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and np.isnan(value) else value


if __name__ == "__main__":
    text = ",\n".join(json.dumps(answered(case)) for case in _cases())
    FILE.write_text(f"[\n{text}\n]\n")
