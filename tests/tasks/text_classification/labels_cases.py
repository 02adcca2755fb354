"""Outputs and the labels that both twins make of them: ``python labels_cases.py`` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import pipeline
from pipeline.tasks.find import Purpose

FILE = Path(pipeline.__file__).parent / "tasks" / "text_classification" / "cases.json"

MANY, LOGITS = {"labels": "many"}, {"labels": "many", "logits": True, "threshold": 0.75}
HEADS = {"toxicity": [0.3, 0.7], "insult": [0.9, 0.1], "obscene": [0.2, 0.8]}
#: Options, whether outputs are a softmax, values by output, names of labels.
WANTED: tuple[tuple[dict[str, Any], bool, dict[str, list[float]], list[str]], ...] = (
    ({}, True, {"y": [0.1, 0.6, 0.3]}, ["a", "b"]),
    ({"threshold": 0.9}, False, {"y": [1000.0, 998.0, 999.0]}, []),
    ({}, False, {"y": [-1.5, -1.5]}, ["no", "yes"]),
    (MANY, False, {"y": [0.5, 0.49, 0.98, 0.0]}, ["a", "b", "c", "d"]),
    (LOGITS, False, {"y": [3.0, -2.0, 0.25, 800.0, -800.0]}, []),
    (LOGITS, True, HEADS, []),
    ({**MANY, "threshold": 0.85}, False, HEADS, ["first", "second"]),
    (LOGITS, False, {"b": [-1.0, 2.0], "a": [700.0, -700.0]}, []),
    (MANY, False, {"y": [0.25]}, []),
)


def cases() -> list[dict[str, Any]]:
    return [_case(*one) for one in WANTED]


def _case(
    options: dict[str, Any], softmax: bool, values: dict[str, list[float]], labels: list[str]
) -> dict[str, Any]:
    purpose = Purpose(name="text-classification", options=options)
    about = purpose.about(softmax=dict.fromkeys(values, softmax), labels=labels)
    outputs = {name: np.array([row], np.float32) for name, row in values.items()}
    assert purpose.task.answers and purpose.task.sure
    sure = purpose.task.sure(outputs, about)
    return {
        "options": about.options.model_dump(mode="json"),
        "softmax": softmax,
        "values": values,
        "labels": labels,
        "answers": purpose.task.answers(outputs, about)[0],
        "sure": float(sure.confidence[0]) if sure else None,
    }


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in cases())
    FILE.write_text(f"[\n{lines}\n]\n")
