"""Outputs -> ranked classes. Its twin is ``task.js``."""

from __future__ import annotations

from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.base.options import NoOptions
from pipeline.tasks.contract import About
from pipeline.tensors.arrays import Arrays, Float32s, Float64s, Int64s, np


def answers(outputs: Arrays, about: About[NoOptions]) -> list[list[dict[str, Any]]]:
    """Of each sample all classes, the likeliest first: ``{"label", "index", "score"}``.

    The score is a probability: of logits, that of their softmax.
    """
    order, shares = rank_classes(outputs), probabilities(outputs, about)
    return [
        [
            {"label": label(index, about), "index": index, "score": float(shares[sample, index])}
            for index in indices
        ]
        for sample, indices in enumerate(order.tolist())
    ]


def label(index: int, about: About[NoOptions]) -> str:
    """What a class is called; its number where nobody named it."""
    return str(about.labels[index]) if index < len(about.labels) else str(index)


def probabilities(outputs: Arrays, about: About[NoOptions]) -> Float64s:
    """[n, classes]: what comes out where that is a softmax, else the softmax of it."""
    values: Float64s = scores(outputs).astype(np.float64)
    if all(about.softmax.get(name) for name in outputs):
        return values
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Float64s = powers / powers.sum(axis=1, keepdims=True)
    return shares


def rank_classes(outputs: Arrays, count: int | None = None) -> Int64s:
    """The classes with the highest scores, the highest first; of equals, the first one.

    Args:
        outputs: as in ``scores``.
        count: all, where none is named.

    Returns:
        int64 [n, count], or [n, classes] where there are fewer.
    """
    order: Int64s = np.argsort(-scores(outputs), axis=1, kind="stable")
    return order[:, :count]


def scores(outputs: Arrays) -> Float32s:
    """One score per class, [n, classes].

    Args:
        outputs: exactly one array, [n, classes]; axes of size 1 besides are ignored.

    Raises:
        ConfigError: the model has several outputs, or one that is not scores per class.
    """
    shapes = {name: tuple(values.shape) for name, values in outputs.items()}
    if len(outputs) == 1:
        (values,) = outputs.values()
        sizes = [size for size in values.shape[1:] if size != 1]
        if len(sizes) == 1:
            return values.reshape(len(values), sizes[0])
    raise ConfigError(
        f"classifying images needs one output of class scores, this model gives {shapes}",
        where="task",
        todo="leave task out: outputs are then compared without giving them a meaning",
    )
