"""Keeps the epoch that is best on held-back samples. Not a technique itself.

Processors round sums differently, and a training makes of a last digit another network. What is
left of that at the last epoch is chance; of all epochs, the best is less so. The loss judges, not
the share of right answers: few samples are held back, and one of them moves that share by a step.
"""

from __future__ import annotations

import math
from typing import Any


def keeper(settled: int = 0) -> Any:
    """A Keras callback; ``restore`` puts a model back to its best epoch, and says which that was.

    Args:
        settled: batches after which weights are of the kind that is published, such as sparse
            ones; epochs that end before do not count.
    """
    import tf_keras

    class Keeper(tf_keras.callbacks.Callback):  # type: ignore[misc]
        """Copies all weights after each epoch that is better than those before it."""

        def __init__(self) -> None:
            super().__init__()
            self.batches = 0
            self.epoch: int | None = None
            self.loss = math.inf
            self.weights: list[Any] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            # Equal is better: later epochs have learnt on.
            if self.batches >= settled and logs["val_loss"] <= self.loss:
                self.epoch, self.loss = epoch, logs["val_loss"]
                self.weights = self.model.get_weights()

        def restore(self) -> int | None:
            """The best epoch, from 0; ``None``: no loss was a number, and nothing is changed."""
            if self.epoch is not None:
                self.model.set_weights(self.weights)
            return self.epoch

    return Keeper()
