"""What tasks make of outputs."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.registry import discover
from pipeline.tasks import image_classification, tensors

SCORES = np.array([[0.1, 0.9, 0], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]], np.float32)


def test_tasks_are_found_by_name() -> None:
    assert {"image-classification", "tensors"} <= set(discover("tasks", "accuracy"))


def test_the_class_is_the_first_highest_score() -> None:
    assert image_classification.classes({"p": SCORES}).tolist() == [1, 0, 2, 0]


def test_axes_of_size_one_do_not_matter() -> None:
    assert image_classification.classes({"p": SCORES[:, None, None, :]}).tolist() == [1, 0, 2, 0]


def test_accuracy_is_the_share_of_right_classes() -> None:
    found = image_classification.accuracy({"p": SCORES}, np.array([1, 0, 2, 1]))
    assert found == {"metric": "top1_accuracy", "value": 0.75, "samples": 4}


@pytest.mark.parametrize(
    "outputs", [{"a": SCORES, "b": SCORES}, {"a": np.zeros((2, 3, 4), np.float32)}]
)
def test_other_outputs_are_no_classes(outputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ConfigError, match="needs one output of class scores") as caught:
        image_classification.classes(outputs)
    assert 'set "task: tensors"' in caught.value.todo


def test_tensors_have_no_accuracy() -> None:
    assert tensors.accuracy({"p": SCORES}, np.zeros(4, np.int64)) is None
