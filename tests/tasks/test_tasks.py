"""What tasks make of outputs."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.base.registry import discover
from pipeline.tasks import image_classification, tensors

SCORES = np.array([[0.1, 0.9, 0], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]], np.float32)


def test_tasks_are_found_by_name() -> None:
    assert {"image-classification", "tensors"} <= set(discover("tasks", "accuracy"))


def test_the_highest_score_ranks_first_and_the_first_of_equals() -> None:
    found = image_classification.ranked({"p": SCORES}, 2).tolist()
    assert found == [[1, 0], [0, 1], [2, 0], [0, 1]]
    assert image_classification.ranked({"p": SCORES}, 9).shape == (4, 3)


def test_axes_of_size_one_do_not_matter() -> None:
    found = image_classification.ranked({"p": SCORES[:, None, None, :]}, 1)
    assert found.tolist() == [[1], [0], [2], [0]]


def test_accuracy_is_the_share_of_right_classes() -> None:
    found = image_classification.accuracy({"p": SCORES}, np.array([1, 0, 2, 1]))
    assert found == {
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
        image_classification.ranked(outputs, 1)
    assert 'set "task: tensors"' in caught.value.todo


def test_tensors_have_no_accuracy() -> None:
    assert tensors.accuracy({"p": SCORES}, np.zeros(4, np.int64)) is None
