"""Outputs of classifiers and the answers that Python gives to them, for the twin in JavaScript.

``python -m tests.tasks.image_classification.classification_cases`` writes its ``cases.json``.
``test_classes.py`` holds that Python still answers so, ``tests/client/unit/tasks/`` and
``tests/client/test_pictures.py`` that JavaScript does, in Node and in a browser.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.tasks import image_classification
from pipeline.tasks.find import Purpose

FILE = Path(image_classification.__file__).with_name("cases.json")

Case = dict[str, Any]

#: Equal scores, fewer labels than classes, none; logits whose powers would overflow.
CASES: list[Case] = [
    {"softmax": True, "values": [0.1, 0.3, 0.05, 0.3, 0.1, 0.15], "labels": ["a", "b", "c"]},
    {"softmax": True, "values": [0.25] * 4, "labels": None},
    {"softmax": True, "values": [1.0, 0.0], "labels": ["no", "yes"]},
    {"softmax": False, "values": [1000.0, 998.0, 999.0], "labels": None},
    {"softmax": False, "values": [-1000.0, -1000.0], "labels": ["x", "y"]},
    {"softmax": False, "values": [0.5, -0.25, 3.0], "labels": None},
]


def answered(case: Case) -> Case:
    """A case with all that is answered to it, and how sure that is, where it tells."""
    purpose = Purpose(name="image-classification")
    about = purpose.about(softmax={"y": case["softmax"]}, labels=case["labels"] or ())
    outputs = {"y": np.array([case["values"]], np.float32)}
    answers, sure = purpose.task.answers, purpose.task.sure
    assert answers is not None and sure is not None
    known = sure(outputs, about)
    return {
        **case,
        "answers": list(answers(outputs, about)[0]),
        "sure": float(known.confidence[0]) if known else None,
    }


if __name__ == "__main__":
    rows = ",\n".join(json.dumps(answered(case)) for case in CASES)
    FILE.write_text(f"[\n{rows}\n]\n")
