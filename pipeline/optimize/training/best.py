"""Keeps the epoch that is best on held-back samples. Not a technique itself.

Processors round sums differently, and a training makes of a last digit another network. So not the
last epoch is kept, whatever became of it, but one that held-back samples speak for. They are few,
and one hard one of them makes an early epoch the best by chance: the latest epoch is kept of which
their losses do not say that it is worse, by more than one standard error of the difference
(Breiman et al. 1984, Classification and Regression Trees, section 3.4.3).
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Float64s, np

if TYPE_CHECKING:
    from pipeline.optimize.training.examples import Examples

Losses = Float64s


def keeper(watch: Examples, settled: int = 0) -> Any:
    """A Keras callback; ``restore`` puts a model back to its best epoch, and says which that was.

    Args:
        watch: held back.
        settled: batches after which weights are of the kind that is published, such as sparse
            ones; epochs that end before do not count.
    """
    import tf_keras

    from pipeline.optimize.training.losses import each

    class Keeper(tf_keras.callbacks.Callback):  # type: ignore[misc]
        """Copies all weights after each epoch that is as good as those before it."""

        def __init__(self) -> None:
            super().__init__()
            self.batches = 0
            self.epoch: int | None = None
            self.best: Losses | None = None
            self.weights: list[Any] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if self.batches < settled:
                return
            losses = each(self.model, watch)
            if not np.isfinite(losses).all() or not as_good(losses, self.best):
                return
            self.epoch, self.weights = epoch, self.model.get_weights()
            if self.best is None or losses.mean() < self.best.mean():
                self.best = losses

        def restore(self) -> int | None:
            """The best epoch, from 0; ``None``: no loss was a number, and nothing is changed."""
            if self.epoch is not None:
                self.model.set_weights(self.weights)
            return self.epoch

    return Keeper()


def as_good(losses: Losses, best: Losses | None) -> bool:
    """Whether losses, [n], are at most a standard error above those of the same samples."""
    if best is None:
        return True
    worse = losses - best
    return bool(worse.mean() <= worse.std() / sqrt(len(worse)))
