"""Trains weights that are rounded at every step, such as to a grid. Not a technique itself.

The gradient is that at the rounded weights; what it changes is added to a float32 copy, whose
rounding is the model's weight again: the straight-through estimator (Bengio et al. 2013,
arXiv:1308.3432) in the form of Courbariaux et al. 2015, arXiv:1511.00363. So any optimizer and
any layer will do, and no wrapper is left in the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rounded:
    """A weight of a model that holds rounded values only."""

    variable: Any
    """The ``tf.Variable``."""
    nearest: Callable[[Any], Any]
    """A float32 tensor of the variable's shape -> the same rounded."""
    limit: Callable[[Any], Any] = lambda values: values
    """Brings values back that went so far that they round alike for long."""
    pace: Any = 1.0
    """What the optimizer's steps are multiplied by, broadcast to the variable's shape."""


def fixed_weight(variable: Any) -> Rounded:
    """A weight that no training changes."""
    import tensorflow as tf

    value = tf.constant(variable)
    return Rounded(variable, lambda values: value)


def callback(weights: Sequence[Rounded]) -> Any:
    """Round the weights now, and after each batch of a training with this Keras callback.

    Steps of an optimizer such as Adam do not grow with the weights, so that a channel of small
    weights needs a slower pace than one of large ones.
    """
    import tensorflow as tf
    import tf_keras

    hidden = [tf.Variable(weight.variable) for weight in weights]
    for weight in weights:
        weight.variable.assign(weight.nearest(weight.variable))

    def follow() -> None:
        for weight, value in zip(weights, hidden, strict=True):
            moved = (weight.variable - weight.nearest(value)) * weight.pace
            value.assign(weight.limit(value + moved))
            weight.variable.assign(weight.nearest(value))

    compiled = tf.function(follow, autograph=False)
    return tf_keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: compiled())
