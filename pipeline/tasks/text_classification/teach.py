"""Labels teach a classifier of texts by cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.tasks.contract import Head, Teaching
from pipeline.tasks.text_classification.truth import NAME, matrix
from pipeline.tensors.arrays import np
from pipeline.tensors.per_sample import PerSample


def teach(truth: PerSample, heads: Sequence[Head]) -> Teaching | None:
    """Labels teach a network whose only output is a softmax or sigmoids, [n, labels]."""
    if len(heads) != 1 or len(heads[0].shape) != 2 or not heads[0].shape[1]:
        return None
    right = matrix(truth, heads[0].shape[1])
    if heads[0].activation == "sigmoid":
        return Teaching((right.astype(np.float32),), (_binary,), None, is_still=True)
    if heads[0].activation != "softmax" or not (right.sum(axis=1) == 1).all():
        return None
    return Teaching((truth.arrays[NAME],), (_sparse,), _right, is_still=True)


def _binary(**keywords: Any) -> Any:
    import tf_keras

    return tf_keras.losses.BinaryCrossentropy(**keywords)


def _sparse(**keywords: Any) -> Any:
    import tf_keras

    return tf_keras.losses.SparseCategoricalCrossentropy(**keywords)


def _right(labels: Any, scores: Any) -> Any:
    import tf_keras

    return tf_keras.metrics.sparse_categorical_accuracy(labels, scores)
