"""What a task says of outputs: whether they agree, are right, and how sure they are."""

from __future__ import annotations

import numpy as np
from classes import PURPOSE, truth_of

from pipeline.tasks.find import Purpose
from pipeline.validate.answers import Answers

TASK = "image-classification"


def agreement(
    task: str, outputs: dict[str, np.ndarray], golden: dict[str, np.ndarray]
) -> dict[str, float | None]:
    return Answers.of(Purpose(name=task), {}).agreement(outputs, golden)


def scores(*first: int, classes: int = 8) -> dict[str, np.ndarray]:
    """One row a sample, its highest score at ``first``, and less with every class further on."""
    rows = [np.roll(np.linspace(1, 0, classes), place) for place in first]
    return {"scores": np.array(rows, np.float32)}


def test_the_goldens_class_counts_first_and_among_five() -> None:
    golden = scores(0, 1, 2, 3)
    # The golden's class is the artifact's first, second, fifth and sixth.
    found = agreement(TASK, scores(0, 0, 6, 6), golden)
    assert found == {"top1_agreement": 0.25, "top5_agreement": 0.75}


def test_five_of_five_classes_say_nothing() -> None:
    golden, other = scores(0, 1, classes=5), scores(3, 1, classes=5)
    assert agreement(TASK, other, golden) == {"top1_agreement": 0.5, "top5_agreement": None}
    six = agreement(TASK, scores(0, classes=6), scores(0, classes=6))
    assert six == {"top1_agreement": 1.0, "top5_agreement": 1.0}


def test_tensors_have_no_classes() -> None:
    assert agreement("tensors", scores(0), scores(0)) == {}


def test_confidence_is_that_of_the_class_that_accuracy_counts() -> None:
    outputs = {"y": np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [np.nan, 0.1, 0.9]], np.float32)}
    answers = Answers(
        PURPOSE.task, PURPOSE.about(softmax={"y": True}), truth_of(np.array([1, 0, 0]))
    )
    found = answers.confidence(outputs, outputs)
    assert found is not None and found.metric == "top1_accuracy"
    np.testing.assert_array_equal(found.answers, [1, 0, 2])
    np.testing.assert_allclose(found.confidence, [0.5, 0.4, 0.9])
    assert found.right.tolist()[:2] == [True, True]
    for name, softmax in (("image-classification", False), ("tensors", True)):
        other = Answers.of(Purpose(name=name), {"y": softmax})
        assert other.confidence(outputs, outputs) is None


def test_without_truth_the_source_is_right() -> None:
    golden, outputs = scores(0, 1), scores(0, 2)
    softmax = {name: {"scores": v["scores"] / v["scores"].sum(1, keepdims=True)} for name, v in
               {"golden": golden, "outputs": outputs}.items()}  # fmt: skip
    answers = Answers.of(PURPOSE, {"scores": True})
    found = answers.confidence(softmax["outputs"], softmax["golden"])
    assert found is not None and found.metric == "top1_agreement"
    assert found.right.tolist() == [True, False]


def test_what_was_lost_and_gained_is_counted_beside_the_source() -> None:
    answers = Answers(PURPOSE.task, PURPOSE.about(), truth_of(np.arange(4)))
    measured = answers.accuracy(scores(0, 1, 5, 5), scores(0, 5, 2, 5))
    assert measured is not None
    assert (measured["value"], measured["lost"], measured["gained"]) == (0.5, 1, 1)
    source = answers.accuracy(scores(0, 5, 2, 5))
    assert source is not None and source["chance"] == 0.25 and "lost" not in source
