"""Labels teach a classifier by cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pipeline.tasks.class_numbers import classes
from pipeline.tasks.contract import Head, Teaching
from pipeline.tensors.per_sample import PerSample

#: Activations of outputs that labels can teach: cross-entropy takes them for scores.
TAUGHT = ("softmax", "log_softmax", "linear")


def teach(truth: PerSample, heads: Sequence[Head]) -> Teaching | None:
    """Labels teach a network whose only output holds scores, [n, classes], of a softmax or before
    it, and more classes than the highest label.
    """
    labels = classes(truth)
    if len(heads) != 1 or len(heads[0].shape) != 2 or heads[0].activation not in TAUGHT:
        return None
    if (heads[0].shape[1] or 0) <= labels.max():
        return None
    loss = partial(_cross_entropy, from_logits=heads[0].activation != "softmax")
    return Teaching((labels,), (loss,), _right, is_still=True)


def _cross_entropy(**keywords: Any) -> Any:
    import tf_keras

    return tf_keras.losses.SparseCategoricalCrossentropy(**keywords)


def _right(labels: Any, scores: Any) -> Any:
    import tf_keras

    return tf_keras.metrics.sparse_categorical_accuracy(labels, scores)
