"""Questions, logits and the answers that both twins make of them: ``python answer_cases.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import pipeline
from pipeline.inputs.text.options import TextOptions
from pipeline.inputs.text.read import read
from pipeline.inputs.text.windows import Question
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Arrays
from pipeline.tensors.per_sample import PerSample, gather
from pipeline.tensors.signature import TensorSpec

FILE = Path(pipeline.__file__).parent / "tasks" / "question_answering" / "cases.json"
TOKENIZER = Path(__file__).parents[2] / "client/fixtures/tokenizers/wordpiece-uncased.json"

LENGTH = 24
HOW = {"length": LENGTH, "query": 8, "stride": 5}
INPUTS = [TensorSpec("input_ids", "int32", (None, LENGTH))]

TEXTS = (
    Question("Who was it?", "It was Anna. " * 7 + "Then came Zoë with 👍🏽 and left."),
    Question("What runs?", "The model runs."),
    Question("Why?", ""),
)
WANTED: tuple[tuple[dict[str, Any], list[Question]], ...] = (
    ({}, [TEXTS[0]]),
    ({"overlap": True, "max": 8, "longest": 3}, [TEXTS[0]]),
    ({"no_answer": True}, [TEXTS[0]]),
    ({"no_answer": True, "threshold": 2.5, "longest": 1}, [TEXTS[1]]),
    ({"threshold": 3.0, "max": 2}, [*TEXTS, TEXTS[1]._replace(question="Which?")]),
    ({"no_answer": True, "threshold": 90.0}, list(TEXTS)),
)


def told(questions: list[Question], length: int = LENGTH, **options: Any) -> Any:
    """``About`` of windows of questions, and how many they are."""
    text = TextOptions(tokenizer=TOKENIZER, **{**HOW, "length": length})
    inputs = [TensorSpec("input_ids", "int32", (None, length))]
    samples = [one for asked in questions for one in read(asked, text, inputs, "here")]
    purpose = Purpose(name="question-answering", options=options)
    origins = PerSample(gather([sample.origin for sample in samples]))
    return purpose.about(origins=origins), len(samples)


def logits(rows: int, seed: int, length: int = LENGTH) -> Arrays:
    """Of windows; a value a hundredth, so that some are equal."""
    chance = np.random.default_rng(seed)
    shape = (rows, length)
    names = ("start_logits", "end_logits")
    return {name: chance.normal(0, 3, shape).round(2).astype(np.float32) for name in names}


def cases() -> list[dict[str, Any]]:
    return [_case(options, asked, seed) for seed, (options, asked) in enumerate(WANTED)]


def _case(options: dict[str, Any], asked: list[Question], seed: int) -> dict[str, Any]:
    about, rows = told(asked, **options)
    outputs = logits(rows, seed)
    answers = Purpose(name="question-answering").task.answers
    assert answers
    return {
        "options": about.options.model_dump(mode="json"),
        "questions": [one._asdict() for one in asked],
        "outputs": {name: [_figures(row) for row in values] for name, values in outputs.items()},
        "answers": [
            [_in_units(answer, one.context) for answer in of_one]
            for one, of_one in zip(asked, answers(outputs, about), strict=True)
        ],
    }


def _figures(row: Any) -> list[float]:
    return [float(f"{value:.2f}") for value in row]


def _in_units(answer: dict[str, Any], context: str) -> dict[str, Any]:
    """Places in UTF-16 code units, as pages count."""
    start, end = (
        len(context[: answer[name]].encode("utf-16-le")) // 2 for name in ("start", "end")
    )
    return {**answer, "start": start, "end": end}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases())
    FILE.write_text(f"[\n{lines}\n]\n")
