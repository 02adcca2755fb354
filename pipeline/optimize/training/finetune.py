"""The fine-tuning loop that techniques share: a seeded and repeatable fit.

Not a technique itself. Everything here runs in the TensorFlow process, on ``tf_keras`` models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.graphs.keras.layers import layers
from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.optimize.training.examples import Examples

    Augment = Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]]

#: Called after each batch with the part done (0 to 1) and a note on loss and accuracy.
Report = Callable[[float, str], None]


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
    teacher: Any = None,
    callbacks: Sequence[Any] = (),
    settled: int = 0,
    report: Report = lambda part, note: None,
) -> dict[str, float]:
    """Train a compiled-anew model in place with Adam; call it within ``reproducible``.

    It is left as it was after the epoch that is best on ``watch`` (see ``best``).

    Args:
        model: a ``tf_keras.Model``.
        train: what to learn from.
        watch: what to measure on after each epoch.
        recipe: how.
        augment: changes the inputs of each batch, given a generator of its own.
        teacher: is asked anew about what ``augment`` changed, where a teacher teaches.
        callbacks: further Keras callbacks.
        settled: batches after which weights are as they will be published, such as sparse.
        report: told after each batch.

    Returns:
        The kept epoch's numbers: ``epoch``, from 1, ``loss``, ``val_loss`` and, for classes,
        ``accuracy`` and ``val_accuracy``.
    """
    from pipeline.optimize.training.best import keeper

    steps, best = recipe.steps(len(train)), keeper(watch, settled)
    _compile(model, train, recipe.learning_rate, steps)
    with _current_statistics(model, steps):
        history = model.fit(
            _batches(train, recipe, augment, teacher),
            steps_per_epoch=recipe.steps_per_epoch(len(train)),
            epochs=recipe.epochs,
            validation_data=(list(watch.inputs), list(watch.targets)),
            validation_batch_size=128,
            callbacks=[*callbacks, best, _reporter(recipe.epochs, steps, report)],
            # One thread makes the batches while another learns: more would mix up their order.
            workers=1,
            verbose=0,
        )
    epoch = best.restore()
    at = recipe.epochs - 1 if epoch is None else epoch
    return {"epoch": at + 1} | {name: float(by[at]) for name, by in history.history.items()}


def _compile(model: Any, train: Examples, learning_rate: float, steps: int) -> None:
    import tf_keras

    from pipeline.optimize.training.losses import losses, metrics

    decay = tf_keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        tf_keras.optimizers.Adam(decay, jit_compile=False),
        loss=losses(model, train),
        metrics=metrics(model, train),
    )
    # Else the first batch makes the optimizer's variables, and Keras traces the step once more.
    model.optimizer.build(model.trainable_variables)


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


def _batches(
    examples: Examples, recipe: Recipe, augment: Augment | None, teacher: Any
) -> Iterator[Any]:
    chance = np.random.default_rng(recipe.seed)
    size = min(recipe.batch_size, len(examples))
    while True:
        order = chance.permutation(len(examples))
        for step in range(recipe.steps_per_epoch(len(examples))):
            batch = examples.rows(order[step * size : (step + 1) * size])
            if augment:
                batch = batch.changed(augment(batch.inputs, chance), teacher)
            yield batch.inputs, batch.targets


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
    ``TF_NUM_INTRAOP_THREADS``, ``TF_ENABLE_ONEDNN_OPTS`` and ``ONEDNN_MAX_CPU_ISA`` when the
    process starts.
    """
    import random

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
