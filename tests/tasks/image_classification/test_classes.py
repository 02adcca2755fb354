"""What classifying images makes of outputs, labels and networks."""

from __future__ import annotations

import json
from typing import Any

import classification_cases
import numpy as np
import pytest
from classes import PURPOSE, truth_of

from pipeline.base.errors import ConfigError
from pipeline.tasks import class_numbers
from pipeline.tasks.contract import Head
from pipeline.tasks.image_classification import answers, score, show
from pipeline.tasks.image_classification.teach import teach

SCORES = np.array([[0.1, 0.9, 0], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]], np.float32)
ABOUT = PURPOSE.about(softmax={"p": True}, labels=("ant", "bee", "cat"))


def test_the_highest_score_ranks_first_and_the_first_of_equals() -> None:
    found = answers.rank_classes({"p": SCORES}, 2).tolist()
    assert found == [[1, 0], [0, 1], [2, 0], [0, 1]]
    assert answers.rank_classes({"p": SCORES}, 9).shape == (4, 3)


@pytest.mark.parametrize("case", json.loads(classification_cases.FILE.read_text()))
def test_the_twins_cases_are_pythons_answers(case: classification_cases.Case) -> None:
    said = {key: case[key] for key in ("softmax", "values", "labels")}
    assert said in classification_cases.CASES
    assert classification_cases.answered(said) == case


def test_axes_of_size_one_do_not_matter() -> None:
    found = answers.rank_classes({"p": SCORES[:, None, None, :]}, 1)
    assert found.tolist() == [[1], [0], [2], [0]]


def test_accuracy_is_the_share_of_right_classes() -> None:
    found = score.accuracy({"p": SCORES}, truth_of([1, 0, 2, 1]), ABOUT)
    assert found.chance == 0.5
    assert found.measured() == {
        "metric": "top1_accuracy",
        "value": 0.75,
        "samples": 4,
        "low": pytest.approx(0.3006, abs=1e-4),
        "high": pytest.approx(0.9544, abs=1e-4),
    }


@pytest.mark.parametrize(
    "outputs", [{"a": SCORES, "b": SCORES}, {"a": np.zeros((2, 3, 4), np.float32)}]
)
def test_other_outputs_are_no_classes(outputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ConfigError, match="needs one output of class scores") as caught:
        answers.rank_classes(outputs, 1)
    assert "leave task out" in caught.value.todo


def test_truth_is_the_label_that_samples_have() -> None:
    found = class_numbers.labels_of([{"label": 3}, {"label": np.int64(0)}], ABOUT)
    assert found is not None
    assert found.arrays["label"].dtype == np.int64
    assert class_numbers.classes(found).tolist() == [3, 0]
    assert class_numbers.labels_of([{}, {"boxes": []}], ABOUT) is None


@pytest.mark.parametrize("wrong", [None, -1, "cat", 1.5, True])
def test_a_sample_without_a_class_is_named(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="sample 1 has no class: its label is"):
        class_numbers.labels_of([{"label": 0}, {"label": wrong}], ABOUT)


@pytest.mark.parametrize(
    ("shape", "activation", "teaches"),
    [
        ((None, 4), "softmax", True),
        ((None, 4), "linear", True),
        ((None, 4), "sigmoid", False),
        ((None, 3), "softmax", False),
        ((None, 2, 4), "softmax", False),
    ],
)
def test_labels_teach_what_has_a_score_for_each(
    shape: tuple[int | None, ...], activation: str, teaches: bool
) -> None:
    labels = truth_of([0, 3])
    assert (teach(labels, [Head(shape, activation)]) is not None) == teaches
    assert teach(labels, [Head(shape, activation)] * 2) is None


def test_a_report_shows_the_likeliest_classes_of_both() -> None:
    source, artifact = {"p": SCORES[0]}, {"p": SCORES[2]}
    shown = show.show(source, artifact, {"label": np.int64(2)}, ABOUT)
    assert [line.name for line in shown.lines] == ["bee", "ant", "cat"]
    assert [line.right for line in shown.lines] == [False, False, True]
    assert (shown.lines[0].source, shown.lines[0].source_share) == ("90.0%", pytest.approx(0.9))
    assert (shown.truth, shown.changed) == ("labelled cat", True)


def test_logits_have_no_bars_and_unnamed_classes_have_numbers() -> None:
    logits = {"p": np.array([5.0, -1.0], np.float32)}
    shown = show.show(logits, logits, None, PURPOSE.about())
    assert [(line.name, line.source_share) for line in shown.lines] == [
        ("class 0", None),
        ("class 1", None),
    ]
    assert (shown.truth, shown.changed) == ("", False)
