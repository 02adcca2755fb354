"""The demo page's texts: ``python -m tools.demo_texts`` writes them anew.

They are what the bundled models did not learn: texts of a test split, and passages by the grammar.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.question_grammar import passage

PACKAGE = Path(__file__).parents[1] / "pipeline"
CREDIT = "Made by the grammar that the model learnt, of sentences and words that it did not."
OF_PASSAGES = "Made by the grammar that the model learnt; it learnt other passages of that."
#: Texts to pick.
COUNT = 6
#: Of passages; none is one of those that training made.
SEEDS = (1001, 1011, 1012, 1014)


def labelled() -> tuple[Path, dict[str, Any]]:
    """Of each number of labels, some."""
    rows = _test("text_labels")
    texts = [row["text"] for count in (1, 2, 3) for row in _of(rows, count)]
    return _file("text_classification"), _samples("text_labels", [{"text": t} for t in texts])


def _of(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [row for row in rows if len(row["labels"]) == count][: COUNT // 3]


def _test(name: str) -> list[dict[str, Any]]:
    lines = (PACKAGE / "bundled" / f"{name}.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["split"] == "test"]


def _file(task: str) -> Path:
    return PACKAGE / "tasks" / task / "examples.json"


def _samples(name: str, examples: list[dict[str, Any]], credit: str = CREDIT) -> dict[str, Any]:
    """What a file holds; ``description`` is that of the samples in a release's manifest."""
    return {"description": f"{name}.jsonl", "credit": credit, "examples": examples}


def asked() -> tuple[Path, dict[str, Any]]:
    """Passages, with a question about each fact, and one that the passage does not answer."""
    made = [passage(seed) for seed in SEEDS]
    examples = [
        {"text": text, "questions": [*questions, made[index - 1][1][-1]]}
        for index, (text, questions) in enumerate(made)
    ]
    return _file("question_answering"), _samples("question_answers", examples, OF_PASSAGES)


if __name__ == "__main__":
    for file, samples in (labelled(), asked()):
        file.write_text(json.dumps(samples, indent=1, ensure_ascii=False) + "\n")
