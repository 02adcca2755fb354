"""A training ends with the epoch that did best on held-back samples, of those that may count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classes import taught

from pipeline.optimize.training import finetune, losses
from pipeline.optimize.training.best import as_good
from pipeline.optimize.training.examples import Examples, Mix

EPOCHS, BATCHES, SIZE = 4, 5, 8


def examples(seed: int) -> Examples:
    """Points right or left of a line."""
    points = np.random.default_rng(seed).standard_normal((BATCHES * SIZE, 3), np.float32)
    return taught(points, (points.sum(axis=1) > 0).astype(np.int64), 2)


def fitted(spoiled: int, by: float, settled: int = 0) -> tuple[dict[str, float], Any, list[Any]]:
    """Train; at the end of one epoch, from 1, all weights are multiplied.

    Returns:
        What ``fit`` says, the weights that it left, and those as they were after each epoch.
    """
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    point = tf_keras.Input(3)
    model = tf_keras.Model(point, tf_keras.layers.Dense(2, activation="softmax")(point))
    model.set_weights([np.tile(np.float32([-0.5, 0.5]), (3, 1)), np.zeros(2, np.float32)])
    after: list[Any] = []

    def spoil(batch: int, logs: Any) -> None:
        if (len(after), batch) == (spoiled - 1, BATCHES - 1):
            model.set_weights([by * value for value in model.get_weights()])

    spoiling = tf_keras.callbacks.LambdaCallback(
        on_train_batch_end=spoil, on_epoch_end=lambda epoch, logs: after.append(model.get_weights())
    )
    recipe = finetune.Recipe(EPOCHS, SIZE, 0.01, 0)
    with finetune.reproducible(0):
        told = finetune.fit(
            model, examples(0), examples(1), recipe, callbacks=[spoiling], settled=settled
        )
    return told, model.get_weights(), after


def test_the_last_epoch_is_kept_where_it_is_the_best() -> None:
    told, weights, after = fitted(spoiled=0, by=1.0)
    assert told["epoch"] == EPOCHS
    np.testing.assert_array_equal(weights[0], after[-1][0])


def test_an_earlier_epoch_is_kept_where_the_last_is_worse() -> None:
    told, weights, after = fitted(spoiled=EPOCHS, by=-1.0)
    assert told["epoch"] == EPOCHS - 1
    for left, wanted in zip(weights, after[EPOCHS - 2], strict=True):
        np.testing.assert_array_equal(left, wanted)
    assert told["val_loss"] < 1


@pytest.mark.parametrize(("settled", "kept"), [(0, 1), (BATCHES, 1), (BATCHES + 1, EPOCHS)])
def test_an_epoch_counts_once_weights_are_settled(settled: int, kept: int) -> None:
    """The second one is spoiled; those after it get better, but not as good as the first."""
    told, weights, after = fitted(spoiled=2, by=-1.0, settled=settled)
    assert told["epoch"] == kept
    np.testing.assert_array_equal(weights[0], after[kept - 1][0])


def test_few_samples_make_no_early_epoch_the_best() -> None:
    """One hard sample of a hundred; then all of them."""
    best = np.full(100, 0.1)
    later = best - 0.05
    later[0] = 6.0
    assert later.mean() > best.mean()
    assert as_good(later, best)
    assert not as_good(best + 0.001, best)
    assert as_good(best, best) and as_good(later, None)


@pytest.mark.parametrize("taught_by", ["truth", "teacher", "both"])
def test_the_losses_of_samples_are_what_is_trained_with(taught_by: str) -> None:
    """Their mean is what Keras gives for all of them."""
    import tf_keras

    point = tf_keras.Input(3)
    model = tf_keras.Model(point, tf_keras.layers.Dense(2, activation="softmax")(point))
    known = examples(0)
    truth, scores = known.targets[0][:, None], np.tile(np.float32([[0.3, 0.7]]), (len(known), 1))
    targets = {"truth": known.targets[0], "teacher": scores, "both": np.hstack([truth, scores])}
    teaching = known.teaching if taught_by != "teacher" else None
    values = targets[taught_by].astype(np.float32)
    mixed = Examples(known.inputs, (values,), taught_by, Mix(0.5, 2.0), teaching)
    model.compile("adam", loss=losses.losses(model, mixed))
    whole = model.evaluate(list(mixed.inputs), list(mixed.targets), batch_size=40, verbose=0)
    assert losses.each(model, mixed).mean() == pytest.approx(whole, rel=1e-5)
