"""What the bundled answerer learnt, and what it is tested on, by the grammar."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pipeline
from tools.question_grammar import FACTS, questions
from tools.train_answers import NAME, samples

FOLDER = Path(pipeline.__file__).parent / "bundled"


def test_the_samples_are_what_the_grammar_makes() -> None:
    written = (FOLDER / f"{NAME}.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == list(samples())


def test_no_wording_of_the_tests_is_learnt() -> None:
    wordings = list(chain.from_iterable((fact.said, *fact.asked.values()) for fact in FACTS))
    learnt = {wording for learn, _ in wordings for wording in learn}
    tested = {wording for _, test in wordings for wording in test}
    assert len(learnt) > 80 and len(tested) > 50 and not learnt & tested


def test_answers_are_where_they_are_said_to_be() -> None:
    rows: list[dict[str, Any]] = [*questions(5, 500, test=False), *questions(5, 500, test=True)]
    for row in rows:
        if row["answers"]:
            (answer,) = row["answers"]
            assert row["context"].startswith(answer, row["start"])
        else:
            assert row["start"] == -1
    none = sum(not row["answers"] for row in rows)
    assert 0.1 < none / len(rows) < 0.2
