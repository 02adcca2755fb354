"""Outputs and the embeddings that both twins make of them; as a script, this writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import pipeline
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

FILE = Path(pipeline.__file__).parent / "tasks" / "feature_extraction" / "cases.json"

#: Options, the shape of a sample's output, tokens that are no padding.
WANTED: tuple[tuple[dict[str, Any], tuple[int, ...], int | None], ...] = (
    ({}, (5,), None),
    ({}, (1, 1, 4), None),
    ({"normalize": False}, (6,), None),
    ({"pool": "mean"}, (3, 2, 4), None),
    ({"pool": "mean"}, (5, 3), 2),
    ({"pool": "mean", "normalize": False}, (5, 3), 5),
    # Where another output of the model has fewer rows than the text has tokens.
    ({"pool": "mean", "normalize": False}, (2, 3), 4),
    ({"pool": "first", "output": "y"}, (4, 3), 3),
)


def cases() -> list[dict[str, Any]]:
    chance = np.random.default_rng(0)
    made = [_case(*one, chance.normal(size=one[1])) for one in WANTED]
    return [*made, _case({}, (3,), None, np.zeros(3))]


def _case(
    options: dict[str, Any], shape: tuple[int, ...], tokens: int | None, values: Any
) -> dict[str, Any]:
    origins = None if tokens is None else PerSample({"tokens": np.array([tokens])})
    about = Purpose(name="feature-extraction", options=options).about(origins=origins)
    task = Purpose(name="feature-extraction").task
    kept = values.astype(np.float32)
    assert task.answers
    return {
        "options": about.options.model_dump(mode="json"),
        "shape": [1, *shape],
        "values": [float(value) for value in kept.flat],
        "tokens": tokens,
        "embedding": task.answers({"y": kept[None]}, about)[0],
    }


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in cases())
    FILE.write_text(f"[\n{lines}\n]\n")
