"""What fine-tuning makes small, and what it shows meanwhile. Not a technique itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.optimize.training.outputs import is_softmax
from pipeline.tensors.arrays import Array, Float64s, np

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.optimize.training.examples import Examples, Mix

#: Its logarithm is finite in float32, and so is its inverse, the logarithm's slope.
SMALLEST_PROBABILITY = 1e-30


def losses(model: Any, examples: Examples) -> list[Any]:
    """A loss per output: the task's with the truth, the divergence from a teacher's softmax, both
    where both teach; else the mean squared error in units of the variance of the teacher's output.
    """
    teaching = examples.teaching
    if teaching and examples.taught_by == "truth":
        return [loss() for loss in teaching.losses]
    if teaching:
        pairs = zip(teaching.losses, examples.widths, strict=True)
        return [
            _mix(examples.mix, loss, width, softmax=is_softmax(model, index))
            for index, (loss, width) in enumerate(pairs)
        ]
    return [
        _divergence(examples.mix.temperature, softmax=True)
        if is_softmax(model, index)
        else _scaled_error(target)
        for index, target in enumerate(examples.targets)
    ]


def metrics(model: Any, examples: Examples) -> list[Any]:
    """``accuracy``: the share that is right, or the top-1 agreement with a teacher's softmax."""
    import tf_keras

    if examples.teaching:
        right = examples.teaching.right
        if right is None:
            return []
        (width,) = examples.widths
        return [
            tf_keras.metrics.MeanMetricWrapper(
                lambda truth, answer: right(truth[:, :width], answer), name="accuracy"
            )
        ]
    if len(model.outputs) == 1 and is_softmax(model):
        return [tf_keras.metrics.CategoricalAccuracy(name="accuracy")]
    return []


def each(model: Any, examples: Examples) -> Float64s:
    """The loss of every example, summed over outputs: float64 [n]."""
    answers = model.predict(list(examples.inputs), batch_size=128, verbose=0)
    answers = list(answers.values()) if isinstance(answers, dict) else answers
    answers = answers if isinstance(answers, list) else [answers]
    total = np.zeros(len(examples))
    for loss, target, answer in zip(
        losses(model, examples), examples.targets, answers, strict=True
    ):
        values = np.asarray(getattr(loss, "call", loss)(target, answer), np.float64)
        total += values.reshape(len(examples), -1).mean(axis=1)
    return total


def _mix(mix: Mix, make: Callable[..., Any], width: int, *, softmax: bool) -> Any:
    """Hinton et al. 2015, section 2.1: labels at temperature 1, the teacher at a higher one."""
    hard = make(reduction="none")
    soft = _divergence(mix.temperature, softmax=softmax)

    def loss(truth: Any, answer: Any) -> Any:
        taught = soft(truth[:, width:], answer)
        return mix.label_share * hard(truth[:, :width], answer) + (1 - mix.label_share) * taught

    return loss


def _divergence(temperature: float, *, softmax: bool) -> Any:
    """Kullback-Leibler divergence of scores from a teacher's, [n, …, classes] -> [n, …].

    Times the square of the temperature, by which it divides the gradient.
    """
    import tensorflow as tf

    def logits(values: Any) -> Any:
        # Up to a constant that the softmax takes away again.
        return tf.math.log(tf.maximum(values, SMALLEST_PROBABILITY)) if softmax else values

    def loss(truth: Any, answer: Any) -> Any:
        targets = tf.nn.log_softmax(logits(truth) / temperature)
        answered = tf.nn.log_softmax(logits(answer) / temperature)
        return temperature**2 * tf.reduce_sum(tf.exp(targets) * (targets - answered), axis=-1)

    return loss


def _scaled_error(target: Array) -> Any:
    import tensorflow as tf

    scale = 1.0 / max(float(target.var()), 1e-12)
    return lambda truth, answer: scale * tf.reduce_mean(tf.square(truth - answer), axis=-1)
