"""The hard model: the bundled MobileNet, made to be hard to quantize while its function stays.

ReLU stands in place of ReLU6, with three epochs of fine-tuning. Then every channel between two
layers is scaled by a factor, and the next layer's weights by its inverse, so that a tensor's
channels span ranges that one scale for the whole tensor cannot hold (Nagel et al. 2019,
arXiv:1906.04721, section 3). Float32 answers as before.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

EPOCHS = 3
LEARNING_RATE = 1e-3
BATCH_SIZE = 32
SEED = 0

#: Factors are drawn log-uniformly from one over this to this.
WIDEST = 12.0

CACHE = Path(__file__).parents[2] / "artifacts" / "bench" / "hard_model"


def source(folder: Path = CACHE) -> Path:
    """The SOURCE folder of the hard model, made on the first call (a minute on two cores)."""
    if not (folder / "source.json").exists():
        from pipeline.optimize.training.finetune import save

        folder.mkdir(parents=True, exist_ok=True)
        # Others may be making it too: whole under its name, or not there.
        aside = folder / f"model.{os.getpid()}.h5"
        save(make(), aside)
        aside.rename(folder / "model.h5")
        details = {"load": "keras_file", "path": "model.h5"}
        (folder / "source.json").write_text(json.dumps(details, sort_keys=True))
    return folder


def make() -> Any:
    """The hard model as a ``tf_keras.Model``."""
    from pipeline.optimize.training import examples, finetune
    from tools import train_digits as train

    with finetune.reproducible(SEED):
        model = unbounded()
        recipe = finetune.Recipe(EPOCHS, BATCH_SIZE, LEARNING_RATE, SEED)
        calibration = train.examples("calibration")
        rest, watch = examples.held_in(calibration, 0.1, SEED)
        finetune.fit(model, rest, watch, recipe, augment=train.augment)
    spread(model)
    return model


def unbounded() -> Any:
    """The bundled model with ReLU in place of ReLU6, not yet fine-tuned."""
    import tf_keras

    from tools import train_digits as train

    bundled = tf_keras.models.load_model(train.HERE / f"{train.NAME}.h5", compile=False)

    def without_bound(layer: Any) -> Any:
        if type(layer) is tf_keras.layers.ReLU:
            return tf_keras.layers.ReLU(name=layer.name)
        return type(layer).from_config(layer.get_config())

    model = tf_keras.models.clone_model(bundled, clone_function=without_bound)
    model.set_weights(bundled.get_weights())
    return model


def spread(model: Any) -> None:
    """Scale every channel between two layers, in place; what the model computes stays.

    A batch norm's gamma and beta scale what ReLU passes on; the next layer takes it back.
    """
    import numpy as np
    import tf_keras

    chance = np.random.default_rng(SEED)
    norms = [x for x in model.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    kinds = (tf_keras.layers.Conv2D, tf_keras.layers.DepthwiseConv2D)
    convolutions = [x for x in model.layers if isinstance(x, kinds)]
    # MobileNet is one line: each norm's channels are the inputs of the next convolution.
    for norm, after in zip(norms, convolutions[1:], strict=True):
        factors = np.exp(chance.uniform(-np.log(WIDEST), np.log(WIDEST), norm.gamma.shape))
        norm.gamma.assign(norm.gamma.numpy() * factors)
        norm.beta.assign(norm.beta.numpy() * factors)
        weights = after.get_weights()
        weights[0] = (weights[0] / factors[:, None]).astype(np.float32)
        after.set_weights(weights)


if __name__ == "__main__":
    source(Path(sys.argv[1]) if len(sys.argv) > 1 else CACHE)
