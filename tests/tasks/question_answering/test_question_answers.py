"""Answers to questions, against the rules of run_squad.py and evaluate-v2.0.py written anew."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

import answer_cases
import numpy as np
import pytest

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.errors import ConfigError, GateError
from pipeline.inputs.text.windows import Question
from pipeline.tasks.agreement import agreement
from pipeline.tasks.find import Purpose
from pipeline.tasks.question_answering import answers, score, truth
from pipeline.tensors.per_sample import ORIGINS, PerSample
from pipeline.tensors.signature import TensorSpec
from pipeline.validate.answers import Answers
from pipeline.validate.telling import check_bounds

TASK = Purpose(name="question-answering").task
#: Without texts.
ALONE = Purpose(name="question-answering").about()
ANNA = answer_cases.TEXTS[0]


def test_the_cases_are_pythons_answers() -> None:
    assert json.loads(answer_cases.FILE.read_text()) == answer_cases.cases()


def squad(
    context: str, windows: list[dict[str, Any]], longest: int, no_answer: bool
) -> tuple[list[tuple[float, int, int]], float]:
    """All predictions by run_squad.py's rules, the best first, and the score of no answer.

    A window has ``start`` and ``end`` logits, and the places of its tokens, ``None`` for those of
    the question; the maximum context is computed anew of these.
    """
    around: dict[tuple[int, int], tuple[float, int]] = {}
    for index, window in enumerate(windows):
        own = [place for place in window["places"] if place]
        for left, place in enumerate(own):
            room = min(left, len(own) - left - 1) + 0.01 * len(own)
            if place not in around or room > around[place][0]:
                around[place] = (room, index)
    found, none = [], math.inf
    for index, window in enumerate(windows):
        none = min(none, window["start"][0] + window["end"][0])
        for first, begin in enumerate(window["places"]):
            for last, stop in enumerate(window["places"]):
                if not begin or not stop or last < first or last - first + 1 > longest:
                    continue
                if around[begin][1] == index:
                    found.append((window["start"][first] + window["end"][last], begin[0], stop[1]))
    return sorted(found, key=lambda one: -one[0]), none if no_answer else -math.inf


@pytest.mark.parametrize("no_answer", [False, True])
@pytest.mark.parametrize(("length", "longest"), [(24, 30), (24, 4), (17, 2), (64, 9)])
@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_of_squads_rules(
    length: int, longest: int, no_answer: bool, seed: int
) -> None:
    options = {"longest": longest, "no_answer": no_answer, "overlap": True, "max": 20}
    about, rows = answer_cases.told([ANNA], length, **options)
    assert rows == {24: 10, 17: 11, 64: 2}[length]
    outputs = answer_cases.logits(rows, seed, length)
    windows = [
        {
            "start": outputs["start_logits"][row].tolist(),
            "end": outputs["end_logits"][row].tolist(),
            "places": [
                tuple(p) if p[0] >= 0 else None for p in about.origins.of("offsets", row).tolist()
            ],
        }
        for row in range(rows)
    ]
    expected, none = squad(ANNA.context, windows, longest, no_answer)
    whole = sum(math.exp(one[0]) for one in expected) + math.exp(none)
    (found,) = answers.answers(outputs, about)
    counted = [one for one in expected if one[0] >= none][:20]
    assert len(found) == len(counted) and (no_answer or len(found) == 20)
    for answer, (logit, start, end) in zip(found, counted, strict=True):
        assert answer["score"] == pytest.approx(math.exp(logit) / whole)
        assert ANNA.context[answer["start"] : answer["end"]] == answer["text"]
        equal = [(s, e) for value, s, e in counted if abs(value - logit) < 1e-9]
        assert (answer["start"], answer["end"]) in equal and (start, end) in equal


def test_answers_that_overlap_are_one_unless_asked_for() -> None:
    about, rows = answer_cases.told([ANNA], max=10)
    (found,) = answers.answers(answer_cases.logits(rows, 3), about)
    assert len(found) > 2
    places = sorted((one["start"], one["end"]) for one in found)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(places))
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("threshold", [-3.0, 0.0, 1.5])
def test_no_answer_is_by_squads_difference(threshold: float) -> None:
    """``null_score_diff_threshold`` is the threshold with the other sign."""
    about, rows = answer_cases.told([ANNA], no_answer=True, threshold=threshold)
    found_any = set()
    for seed in range(30):
        outputs = answer_cases.logits(rows, seed)
        outputs["start_logits"][:, 0] += seed
        spans = answers.spans_of(outputs, np.arange(rows), about)
        is_none = spans.none - spans.scores.max() > -threshold
        (found,) = answers.answers(outputs, about)
        assert (found == []) == is_none
        found_any.add(bool(found))
    assert found_any == {True, False}


def test_what_is_no_number_answers_nothing() -> None:
    about, rows = answer_cases.told([ANNA])
    outputs = {name: values * np.nan for name, values in answer_cases.logits(rows, 0).items()}
    assert answers.answers(outputs, about) == [[]]


def test_outputs_that_are_no_answers_are_said() -> None:
    about, rows = answer_cases.told([ANNA])
    outputs = answer_cases.logits(rows, 0)
    with pytest.raises(
        ConfigError, match=r"two outputs, \[n, tokens\].*\{'start_logits': \(10, 24"
    ):
        answers.answers({"start_logits": outputs["start_logits"]}, about)
    with pytest.raises(ConfigError, match="a value for each token"):
        answers.answers({name: values[:, :9] for name, values in outputs.items()}, about)
    with pytest.raises(ConfigError, match="give questions with their contexts"):
        answers.answers(outputs, ALONE)
    assert score.agree(outputs, outputs, ALONE) == {"span_agreement": None}


#: What is answered, what is right, exact match and F1, reckoned by hand by SQuAD's definitions.
KNOWN = (
    ("The Norman dynasty", ["Norman Dynasty."], 1.0, 1.0),
    ("in the 10th century", ["10th century", "the 10th"], 0.0, 0.8),
    ("France", ["Paris", "Lyon, France"], 0.0, 2 / 3),
    ("", [], 1.0, 1.0),
    ("France", [], 0.0, 0.0),
    ("", ["France"], 0.0, 0.0),
    ("the", ["A!"], 1.0, 1.0),
    ("", ["the", "..."], 1.0, 1.0),
    ("anthem", ["them"], 0.0, 0.0),
    ("a b b", ["b  b\tc"], 0.0, 0.8),
    ("U.S.", ["us"], 1.0, 1.0),
)


@pytest.mark.parametrize(("answered", "right", "exact", "f1"), KNOWN)
def test_exact_match_and_f1_are_squads(
    answered: str, right: list[str], exact: float, f1: float
) -> None:
    assert score.exact(answered, right) == exact
    assert score.f1(answered, right) == pytest.approx(f1)


def words_of(text: str) -> list[str]:
    """As evaluate-v2.0.py normalizes, a character at a time."""
    kept = "".join(
        char for char in text.lower() if not (33 <= ord(char) < 127 and not char.isalnum())
    )
    return [word for word in kept.split() if word not in ("a", "an", "the")]


def test_f1_is_that_of_words_counted_one_by_one() -> None:
    chance = random.Random(0)
    vocabulary = ["the", "The", "cat", "cat,", "sat-", "on", "a", "Mat", "!"]
    for _ in range(300):
        first, second = (
            " ".join(chance.choices(vocabulary, k=chance.randrange(6))) for _ in range(2)
        )
        left, right = words_of(first), words_of(second)
        rest, same = list(right), 0
        for word in left:
            if word in rest:
                rest.remove(word)
                same += 1
        expected = float(left == right) if not left or not right else 0.0
        if same:
            precision, recall = same / len(left), same / len(right)
            expected = 2 * precision * recall / (precision + recall)
        assert score.f1(first, [second]) == pytest.approx(expected), (first, second)
        assert score.exact(first, [second]) == (left == right)


def truth_of(*said: Any) -> PerSample:
    found = truth.answers_of([{"answers": one} for one in said], ALONE)
    assert found is not None
    return found


def test_truth_is_read_as_texts_or_as_squad_has_it() -> None:
    squad_2 = [{"text": "Zoë", "answer_start": 3}, {"text": "👍", "answer_start": 9}]
    hub = {"text": ["a", ""], "answer_start": [1, 2]}
    read = truth_of(["one"], squad_2, hub, [])
    rows = [truth.right_answers(read.of("answers", sample)) for sample in range(4)]
    assert rows == [["one"], ["Zoë", "👍"], ["a", ""], []]
    assert truth.answers_of([{}, {}], ALONE) is None


@pytest.mark.parametrize("said", [None, "one", [3], {"texts": []}, [["a"]]])
def test_what_is_no_truth_is_said(said: Any) -> None:
    with pytest.raises(ConfigError, match="sample 1 has the answers"):
        truth_of(["right"], said)


def test_a_question_counts_once_whatever_its_windows() -> None:
    """Ten windows, then one: two questions."""
    asked = [ANNA, Question("What runs?", "The model runs.")]
    about, rows = answer_cases.told(asked)
    assert rows == 11
    outputs = {
        name: np.full_like(values, -9) for name, values in answer_cases.logits(rows, 0).items()
    }
    places = about.origins.of("offsets", 10).tolist()
    outputs["start_logits"][10, places.index([4, 9])] = 9
    outputs["end_logits"][10, places.index([4, 9])] = 9
    known = truth_of(*[["nobody"]] * 10, ["a model"])
    assert TASK.score
    measured = TASK.score(outputs, known, about).measured()
    assert (measured["metric"], measured["samples"], measured["value"]) == ("answer_exact", 2, 0.5)
    assert score.agree(outputs, outputs, about) == {"span_agreement": 1.0}
    moved = {name: np.roll(values, 1, axis=1) for name, values in outputs.items()}
    moved_of_one = {name: np.concatenate([v[:10], moved[name][10:]]) for name, v in outputs.items()}
    assert score.agree(moved_of_one, outputs, about) == {"span_agreement": 0.5}
    by_f1, rows = answer_cases.told(asked, metric="f1")
    figure = TASK.score(outputs, truth_of(*[["nobody"]] * 10, ["model one"]), by_f1).measured()
    assert figure["value"] == pytest.approx(1 / 3) and figure["low"] <= 1 / 3 <= figure["high"]


def test_a_report_shows_both_answers() -> None:
    asked = Question("What runs?", "The model runs.")
    about, _ = answer_cases.told([asked])
    source = {name: values[0] for name, values in answer_cases.logits(1, 1).items()}
    artifact = {name: np.full_like(values, np.nan) for name, values in source.items()}
    assert TASK.show
    shown = TASK.show(source, artifact, truth_of(["x"]).sample(0), about)
    assert shown.changed and shown.truth == "answered by x"
    (line,) = shown.lines
    assert line.artifact == "no answer" and not line.right and line.source.endswith("%)")
    assert not TASK.show(source, source, None, about).changed
    lines = TASK.show({"start_logits": np.eye(4)[2]}, {"start_logits": np.eye(4)[3]}, None, ALONE)
    assert [line.artifact for line in lines.lines] == ["largest at token 3"]


def test_a_model_with_the_usual_outputs_is_proposed() -> None:
    assert TASK.propose
    usual = [TensorSpec(name, "float32", (None, 384)) for name in ("end_logits", "start_logits")]
    assert TASK.propose(usual) == {} and TASK.propose(usual[:1]) is None


def samples_of(folder: Path) -> SamplesFolder:
    """Three questions, the second of which has two windows."""
    asked = [Question("What runs?", "The model runs."), ANNA, Question("Why?", "It is late.")]
    about, rows = answer_cases.told(asked, 64)
    assert rows == 4
    task = Purpose(name="question-answering")
    SamplesFolder(folder).describe({"task": task.model_dump(mode="json")})
    SamplesFolder(folder).calibration.folder.mkdir()
    about.origins.write(SamplesFolder(folder).calibration.folder, ORIGINS)
    return SamplesFolder(folder)


def test_artifacts_are_held_to_answers_while_they_are_made(tmp_path: Path) -> None:
    """Outputs of the first samples are compared by the texts that these are of."""
    agree = agreement(samples_of(tmp_path), ["span_agreement"], "here")
    assert agree
    for rows, expected in ((4, 2 / 3), (3, 1 / 2), (1, 1.0)):
        golden = answer_cases.logits(rows, 0, 64)
        moved = {name: values.copy() for name, values in golden.items()}
        for values in moved.values():
            values[1:3] = np.roll(values[1:3], 7, axis=1)
        assert agree(golden, golden) == {"span_agreement": 1.0}
        assert agree(moved, golden) == {"span_agreement": pytest.approx(expected)}


def test_bounds_that_a_model_without_eyes_keeps_are_told_by_answers(tmp_path: Path) -> None:
    """The golden's own texts say what an answer is."""
    about, rows = answer_cases.told([Question(f"What {n}?", f"Model {n} runs.") for n in range(6)])
    about.origins.write(tmp_path, ORIGINS)
    judge = Answers.of(Purpose(name="question-answering"), {}, tmp_path)
    outputs = answer_cases.logits(rows, 0)
    check_bounds(outputs, {}, judge, {"onnx/fp32": {"span_agreement": 0.97}})
    same = {name: np.tile(values[:1], (rows, 1)) for name, values in outputs.items()}
    with pytest.raises(GateError, match="would let a broken model pass"):
        check_bounds(same, {}, judge, {"onnx/fp32": {"span_agreement": 0.97}})
