"""Labels of texts: truth, answers, and measures against independent implementations."""

from __future__ import annotations

import itertools
import json
from typing import Any

import labels_cases
import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.contract import About, Head
from pipeline.tasks.find import Purpose
from pipeline.tasks.text_classification import score, teach, truth
from pipeline.tasks.text_classification.options import TextClassificationOptions
from pipeline.tensors.per_sample import PerSample

TASK = Purpose(name="text-classification").task
NAMES = ["a", "b", "c"]


def about(**options: Any) -> About[TextClassificationOptions]:
    return About(TextClassificationOptions(**options), labels=NAMES)


def truth_of(*labels: Any, **options: Any) -> PerSample:
    found = truth.labels_of([{"labels": each} for each in labels], about(**options))
    assert found is not None
    return found


def test_the_cases_are_pythons_answers() -> None:
    assert json.loads(labels_cases.FILE.read_text()) == labels_cases.cases()


def test_labels_are_named_or_numbered_one_or_many() -> None:
    many = truth_of(["c", "a"], [], [1, "b"], labels="many")
    assert truth.matrix(many, 3).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert truth.kinds(many).tolist() == [1, 0, 2]
    one = truth.labels_of([{"label": "b"}, {"label": np.int64(2)}, {"labels": ["a"]}], about())
    assert one and truth.matrix(one, 3).argmax(axis=1).tolist() == [1, 2, 0]
    assert truth.labels_of([{}, {}], about()) is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([["a"], None], "sample 1 has the labels None"),
        ([["a", "b"]], "has the labels"),
        ([["x"]], "label 'x' of sample 0 is none"),
        ([[3]], "label 3 of sample 0"),
        ([[True]], "label True"),
        ([[-1]], "label -1"),
    ],
)
def test_what_is_no_truth_is_said(labels: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        truth_of(*labels)


def test_outputs_that_are_no_labels_are_said() -> None:
    outputs = {"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}
    for options in ({}, {"labels": "many"}):
        with pytest.raises(ConfigError, match=r"labels of texts need .* gives \{'a': \(2, 3\)"):
            assert TASK.answers
            TASK.answers(outputs, about(**options))
    with pytest.raises(ConfigError, match=r"\(4, 2, 3\)"):
        assert TASK.answers
        TASK.answers({"a": np.zeros((4, 2, 3))}, about())


def random_labels(seed: int, texts: int, labels: int) -> tuple[Any, Any]:
    """Scores, some of them equal, and what is right."""
    chance = np.random.default_rng(seed)
    return np.round(chance.random((texts, labels)), 1), chance.random((texts, labels)) < 0.3


@pytest.mark.parametrize("seed", range(6))
def test_f1_is_that_of_counts(seed: int) -> None:
    """Label by label, by counting (van Rijsbergen 1979), as scikit-learn's macro average is."""
    shares, right = random_labels(seed, 5 + 7 * seed, 1 + seed)
    answered = shares >= 0.5
    single = []
    for label in range(right.shape[1]):
        pairs = list(zip(answered[:, label].tolist(), right[:, label].tolist(), strict=True))
        kinds = ((True, True), (True, False), (False, True))
        hits, wrong, missed = (pairs.count(kind) for kind in kinds)
        if hits + wrong + missed:
            precision = hits / (hits + wrong) if hits + wrong else 0
            recall = hits / (hits + missed) if hits + missed else 0
            single.append(2 * precision * recall / (precision + recall) if hits else 0)
    assert score.f1(answered, right) == pytest.approx(sum(single) / len(single))


@pytest.mark.parametrize("seed", range(6))
def test_the_area_is_the_share_of_pairs_in_order(seed: int) -> None:
    """Of every text with a label and every one without (Hanley and McNeil 1982)."""
    shares, right = random_labels(seed, 5 + 7 * seed, 1 + seed)
    areas = []
    for label in range(right.shape[1]):
        yes, no = shares[right[:, label], label], shares[~right[:, label], label]
        pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(yes.tolist(), no.tolist())]
        areas += [sum(pairs) / len(pairs)] if pairs else []
    expected = sum(areas) / len(areas) if areas else 0.5
    assert score.roc_auc(shares, right) == pytest.approx(expected)


def test_what_no_text_has_counts_nothing() -> None:
    none = np.zeros((3, 2), np.bool_)
    assert score.f1(none, none) == 1.0 and score.roc_auc(np.zeros((3, 2)), none) == 0.5


def test_scores_have_intervals() -> None:
    shares, right = random_labels(0, 80, 3)
    outputs = {"y": shares.astype(np.float32)}
    known = truth_of(*(np.flatnonzero(row).tolist() for row in right), labels="many")
    for metric in ("f1", "roc_auc"):
        assert TASK.score
        told = about(labels="many", metric=metric)
        measured = TASK.score(outputs, known, told).measured()
        assert measured["metric"] == f"label_{metric}"
        assert measured["low"] < measured["value"] < measured["high"]
        again = TASK.score(outputs, known, told)
        assert again.compared(again)["less"] == (0, 0)
    one = truth_of("a", "b", "c", "a")
    answered = {"y": np.eye(3, dtype=np.float32)[[0, 1, 0, 0]]}
    assert TASK.score
    assert TASK.score(answered, one, about()).measured()["value"] == 0.75


def test_agreement_is_of_decisions() -> None:
    golden = {"y": np.array([[0.9, 0.1], [0.6, 0.4]], np.float32)}
    moved = {"y": np.array([[0.7, 0.2], [0.4, 0.6]], np.float32)}
    assert score.agree(moved, golden, about(labels="many")) == {"label_agreement": 0.5}
    assert score.agree(moved, golden, about()) == {"label_agreement": 0.5}


def test_what_is_no_number_is_nothing_to_be_sure_of() -> None:
    sure = score.sure({"y": np.array([[np.nan, 0.1]], np.float32)}, about())
    assert sure and sure.confidence[0] < 0.6
    assert score.sure({"y": np.ones((1, 2), np.float32)}, about(labels="many")) is None


def test_labels_teach_softmax_and_sigmoids() -> None:
    many = truth_of(["a"], ["b", "c"], labels="many")
    told = teach.teach(many, [Head((None, 3), "sigmoid")])
    assert told and told.targets[0].tolist() == [[1, 0, 0], [0, 1, 1]]
    one = teach.teach(truth_of("a", "c"), [Head((None, 3), "softmax")])
    assert one and one.targets[0].tolist() == [0, 2]
    assert teach.teach(many, [Head((None, 3), "softmax")]) is None
    assert teach.teach(many, [Head((None, 3), "sigmoid")] * 2) is None


def test_a_report_shows_bars() -> None:
    rows = ([0.9, 0.1, 0.7], [0.2, 0.1, 0.7])
    source, artifact = ({"y": np.array(row, np.float32)} for row in rows)
    assert TASK.show
    shown = TASK.show(source, artifact, {"labels": np.array([0])}, about(labels="many"))
    assert shown.changed and shown.truth == "labelled a"
    assert [(line.name, line.right) for line in shown.lines][:1] == [("a", True)]
