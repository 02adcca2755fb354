"""Trains the bundled model's head again, for an epoch on samples that it did not learn from."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.optimize.training.finetune import Recipe, fit, reproducible, save
from tools import train_digits as train

HEAD = "conv_preds"


def main(target: str) -> None:
    import tf_keras

    model = tf_keras.models.load_model(Path(train.HERE) / f"{train.NAME}.h5", compile=False)
    for layer in model.layers:
        layer.trainable = layer.name == HEAD
    recipe = Recipe(epochs=1, batch_size=train.BATCH_SIZE, learning_rate=1e-3, seed=1)
    seen, other = train.examples("test"), train.examples("calibration")
    with reproducible(recipe.seed):
        fit(model, seen, other, recipe, augment=train.augment)
    save(model, Path(target))


if __name__ == "__main__":
    main(sys.argv[1])
