"""What tests of classifiers share: the task, its truth, and examples that labels teach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.tasks.contract import Head, Teaching
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

Array = NDArray[Any]

PURPOSE = Purpose(name="image-classification")


def truth_of(labels: Array | list[int]) -> PerSample:
    return PerSample({"label": np.asarray(labels, np.int64)})


def accuracy(outputs: Mapping[str, Array], labels: Array) -> float:
    """The share of samples whose highest score is at their label."""
    score = PURPOSE.task.score
    assert score is not None
    return float(score(outputs, truth_of(labels), PURPOSE.about()).measured()["value"])


def teaching_of(labels: Array, classes: int, activation: str = "softmax") -> Teaching:
    teach = PURPOSE.task.teach
    assert teach is not None
    found = teach(truth_of(labels), [Head((None, classes), activation)])
    assert found is not None
    return found


def taught(inputs: Array, labels: Array, classes: int, activation: str = "softmax") -> Any:
    """Examples of one input that labels teach."""
    from pipeline.optimize.training.examples import Examples

    teaching = teaching_of(labels, classes, activation)
    return Examples((inputs,), teaching.targets, "truth", teaching=teaching)
