"""The fine-tuning loop that techniques share: examples, losses, a seeded and repeatable fit.

Not a technique itself. Everything here runs in the TensorFlow process, on ``tf_keras`` models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Augment = Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]]

#: Called after each batch with the part done (0 to 1) and a note on loss and accuracy.
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Examples:
    """Inputs and what the outputs should be; every array has n rows."""

    inputs: tuple[Array, ...]
    """One per model input, in the model's order."""

    targets: tuple[Array, ...]
    """One per model output: int64 [n] class indices, or the teacher's float32 [n, …]."""

    taught_by: Literal["labels", "teacher"]

    def __len__(self) -> int:
        return len(self.inputs[0])

    def rows(self, chosen: Array) -> Examples:
        """Only the rows of these indices, in this order."""
        return replace(
            self,
            inputs=tuple(values[chosen] for values in self.inputs),
            targets=tuple(values[chosen] for values in self.targets),
        )


def read_examples(
    samples: Path, model: Any, names: Sequence[str], split: str = "calibration"
) -> Examples:
    """The examples of a SAMPLES folder for a model, with the model as teacher where unlabelled.

    Labels teach a model whose only output holds scores per class, [n, classes], and more
    classes than the highest label; otherwise the model's own outputs do (distillation,
    Hinton et al. 2015, at temperature 1).

    Args:
        samples: a SAMPLES folder.
        model: the ``tf_keras.Model`` before it is changed.
        names: public names of the model's inputs, in the model's order.
        split: which samples.
    """
    import numpy as np
    from safetensors.numpy import load_file

    arrays = load_file(samples / split / "inputs.safetensors")
    inputs = tuple(arrays[name] for name in names)
    labels = samples / split / "labels.safetensors"
    if labels.exists():
        targets = load_file(labels)["labels"].astype(np.int64)
        shape = model.outputs[0].shape
        if len(model.outputs) == 1 and len(shape) == 2 and (shape[1] or 0) > targets.max():
            return Examples(inputs, (targets,), "labels")
    return Examples(inputs, taught(model, inputs), "teacher")


def taught(teacher: Any, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """What a teacher answers: one float32 array per output."""
    answers = teacher.predict(list(inputs), batch_size=128, verbose=0)
    if isinstance(answers, dict):
        answers = [answers[name] for name in teacher.output_names]
    return tuple(answers) if isinstance(answers, list) else (answers,)


def held_in(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Examples to train on, and a seeded share of them kept back to watch progress by."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(examples))
    kept = max(1, round(len(order) * share)) if len(order) > 1 else 0
    return examples.rows(order[kept:]), examples.rows(order[:kept] if kept else order)


def is_softmax(model: Any, output: int = 0) -> bool:
    """Whether an output of a Keras model comes straight from a softmax."""
    layer, _, index = model.outputs[output]._keras_history
    if hasattr(layer, "outputs"):
        return is_softmax(layer, index)
    layer = getattr(layer, "layer", layer)  # a wrapper, such as that of pruning
    activation = getattr(layer, "activation", None)
    return type(layer).__name__ == "Softmax" or getattr(activation, "__name__", "") == "softmax"


def losses(model: Any, examples: Examples) -> list[Any]:
    """A loss per output: cross-entropy with labels, KL divergence from a teacher's softmax,
    else the mean squared error in units of the variance of the teacher's output."""
    import tf_keras

    if examples.taught_by == "labels":
        return [tf_keras.losses.SparseCategoricalCrossentropy(from_logits=not is_softmax(model))]
    return [
        tf_keras.losses.KLDivergence() if is_softmax(model, index) else _scaled_error(target)
        for index, target in enumerate(examples.targets)
    ]


def _scaled_error(target: Array) -> Any:
    import tensorflow as tf

    scale = 1.0 / max(float(target.var()), 1e-12)
    return lambda truth, found: scale * tf.reduce_mean(tf.square(truth - found))


def metrics(model: Any, examples: Examples) -> list[Any]:
    """``accuracy``: top-1 against labels, or the top-1 agreement with a teacher's softmax."""
    import tf_keras

    if examples.taught_by == "labels":
        return [tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    if len(model.outputs) == 1 and is_softmax(model):
        return [tf_keras.metrics.CategoricalAccuracy(name="accuracy")]
    return []


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    epochs: int
    batch_size: int
    learning_rate: float
    """At the start; it falls to 0 along half a cosine (Loshchilov and Hutter 2017)."""
    seed: int

    def steps_per_epoch(self, examples: int) -> int:
        """Whole batches in an epoch (at least one); the rest waits for another shuffle."""
        return max(1, examples // self.batch_size)

    def steps(self, examples: int) -> int:
        """Batches in the whole training."""
        return self.epochs * self.steps_per_epoch(examples)


def fit(
    model: Any,
    train: Examples,
    watch: Examples,
    recipe: Recipe,
    *,
    augment: Augment | None = None,
    callbacks: Sequence[Any] = (),
    report: Report = lambda part, note: None,
) -> dict[str, float]:
    """Train a compiled-anew model in place with Adam; call it within ``reproducible``.

    Args:
        model: a ``tf_keras.Model``.
        train: what to learn from.
        watch: what to measure on after each epoch.
        recipe: how.
        augment: changes the inputs of each batch, given a generator of its own.
        callbacks: further Keras callbacks.
        report: told after each batch.

    Returns:
        The last epoch's numbers: ``loss``, ``val_loss`` and, for classes, ``accuracy`` and
        ``val_accuracy``.
    """
    import tf_keras

    steps = recipe.steps(len(train))
    decay = tf_keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        tf_keras.optimizers.Adam(decay, jit_compile=False),
        loss=losses(model, train),
        metrics=metrics(model, train),
    )
    with _current_statistics(model, steps):
        history = model.fit(
            _batches(train, recipe, augment),
            steps_per_epoch=recipe.steps_per_epoch(len(train)),
            epochs=recipe.epochs,
            validation_data=(list(watch.inputs), list(watch.targets)),
            validation_batch_size=128,
            callbacks=[*callbacks, _reporter(recipe.epochs, steps, report)],
            # One thread makes the batches while another learns: more would mix up their order.
            workers=1,
            verbose=0,
        )
    return {name: float(values[-1]) for name, values in history.history.items()}


def layers(model: Any) -> list[Any]:
    """Every layer, those of models within the model too."""
    return list(model._flatten_layers(include_self=False))


@contextmanager
def _current_statistics(model: Any, steps: int) -> Iterator[None]:
    """Let batch norms forget within a tenth of the training, and set them back afterwards.

    Their running mean and variance remember 1 / (1 - momentum) steps: 100 by default, which in a
    short fine-tuning would still be those of the weights as they were (MobileNet digits, 60 %
    sparse after 160 steps: 75 % right with momentum 0.99, 98.9 % with 0.9).
    """
    norms = [layer for layer in layers(model) if hasattr(layer, "moving_variance")]
    before = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = min(layer.momentum, max(0.5, 1 - 10 / steps))
    try:
        yield
    finally:
        for layer, momentum in zip(norms, before, strict=True):
            layer.momentum = momentum


def _batches(examples: Examples, recipe: Recipe, augment: Augment | None) -> Iterator[Any]:
    import numpy as np

    chance = np.random.default_rng(recipe.seed)
    size = min(recipe.batch_size, len(examples))
    while True:
        order = chance.permutation(len(examples))
        for step in range(recipe.steps_per_epoch(len(examples))):
            batch = examples.rows(order[step * size : (step + 1) * size])
            inputs = augment(batch.inputs, chance) if augment else batch.inputs
            yield inputs, batch.targets


def _reporter(epochs: int, steps: int, report: Report) -> Any:
    import tf_keras

    done = 0
    epoch_now = 1

    def begin(epoch: int, logs: Any = None) -> None:
        nonlocal epoch_now
        epoch_now = epoch + 1

    def batch(index: int, logs: dict[str, float] | None = None) -> None:
        nonlocal done
        done += 1
        report(done / steps, f"epoch {epoch_now}/{epochs} {_note(logs or {}, '')}".rstrip())

    def end(epoch: int, logs: dict[str, float] | None = None) -> None:
        note = _note(logs or {}, "val_")
        report(done / steps, f"epoch {epoch + 1}/{epochs} held back: {note}")

    return tf_keras.callbacks.LambdaCallback(
        on_epoch_begin=begin, on_train_batch_end=batch, on_epoch_end=end
    )


def _note(logs: dict[str, float], prefix: str) -> str:
    parts = []
    if prefix + "loss" in logs:
        parts.append(f"loss {logs[prefix + 'loss']:.4f}")
    if prefix + "accuracy" in logs:
        parts.append(f"accuracy {logs[prefix + 'accuracy']:.1%}")
    return ", ".join(parts)


def save(model: Any, path: Path) -> None:
    """Write a whole ``tf_keras.Model`` as HDF5, without its optimizer; no time stamps in it."""
    import warnings

    with warnings.catch_warnings():
        # It advises .keras, a zip archive whose time stamps differ from save to save.
        warnings.filterwarnings("ignore", message="You are saving your model as an HDF5")
        model.save(path, save_format="h5", include_optimizer=False)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Make TensorFlow's results the same in any process, whatever ran before in it.

    Seeds Python, NumPy and TensorFlow and turns op determinism on; afterwards all four are as
    they were, so that later steps of the same process see no trace of it.

    Gradients are summed in an order that depends on the number of threads and on the
    processor's vector instructions: the same bytes on another machine also need the same
    ``TF_NUM_INTRAOP_THREADS`` and ``ONEDNN_MAX_CPU_ISA`` when the process starts.
    """
    import random

    import numpy as np
    import tensorflow as tf
    import tf_keras
    from tensorflow.python.eager import context
    from tensorflow.python.framework import config

    before = random.getstate(), np.random.get_state(), context.global_seed()
    was_on = config.is_op_determinism_enabled()
    tf_keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        if not was_on:
            config.disable_op_determinism()
        random.setstate(before[0])
        np.random.set_state(before[1])
        tf.random.set_seed(before[2])
