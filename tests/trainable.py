"""A small model to train in tests: what batch norms can and cannot be folded into, in one net."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import classes
import numpy as np

from pipeline.optimize.training import teaching
from pipeline.samples import folder
from pipeline.samples.folder import Split

CLASSES = 4
SIZE = 8

#: Batch norms that have to stay: behind an activation, and behind what something else reads too.
KEPT = ("kept_norm", "read_twice_norm")


def model(seed: int = 0) -> Any:
    """``image`` [n, 8, 8, 3] -> ``scores``, a softmax over four classes."""
    import tf_keras

    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    layers = tf_keras.layers
    image = x = tf_keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="first")(x)
    x = layers.ReLU(6, name="first_relu")(layers.BatchNormalization(name="first_norm")(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="depthwise")(x)
    x = layers.ReLU(6, name="relu")(layers.BatchNormalization(scale=False, name="norm")(x))
    x = layers.Conv2D(16, 1, activation="relu", name="kept")(x)
    x = layers.BatchNormalization(name="kept_norm")(x)
    x = layers.Conv2DTranspose(12, 2, name="transposed")(x)
    x = layers.BatchNormalization(center=False, name="transposed_norm")(x)
    twice = layers.Conv2D(12, 1, name="read_twice")(layers.ReLU(name="middle_relu")(x))
    x = layers.Add(name="add")([twice, layers.BatchNormalization(name="read_twice_norm")(twice)])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    inner = tf_keras.Sequential(
        [layers.Dense(96, name="dense"), layers.BatchNormalization(name="dense_norm")],
        name="inner",
    )
    x = layers.Dense(CLASSES, name="logits")(inner(x))
    scores = layers.Softmax(name="scores")(x)
    made = tf_keras.Model(image, scores, name="small")
    _spread(made, np.random.default_rng(seed))
    return made


def _spread(made: Any, chance: np.random.Generator) -> None:
    """Give batch norms statistics and factors that differ from channel to channel."""
    from pipeline.graphs.keras.layers import layers

    for layer in layers(made):
        for variable in layer.weights if hasattr(layer, "moving_variance") else ():
            values = chance.uniform(0.5, 1.5, variable.shape)
            sign = chance.choice([-1, 1], variable.shape) if "variance" not in variable.name else 1
            variable.assign(values * sign)


def images(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Noise, [n, 8, 8, 3], and two bits, [n]: whether it is red, and whether it is green."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, CLASSES, count)
    found = chance.standard_normal((count, SIZE, SIZE, 3))
    found[..., 0] += 0.5 * (labels // 2)[:, None, None]
    found[..., 1] += 0.5 * (labels % 2)[:, None, None]
    return found.astype(np.float32), labels


def trained(sparse: str | None = None) -> Any:
    """The model after a short training; about half of a layer's kernel is zero where one is named,
    as pruning would leave it."""
    from pipeline.graphs.keras.layers import layers

    made = model()
    train(made)
    for layer in layers(made):
        if layer.name == sparse:
            kernel = layer.kernel.numpy()
            layer.kernel.assign(np.where(np.abs(kernel) < np.median(np.abs(kernel)), 0, kernel))
    return made


def tiny() -> Any:
    """``image`` [n, 8, 8, 3] -> ``scores``, trained; a rasterizer compiles it in seconds."""
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Conv2D(8, 3, activation="relu", name="conv")(image)
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = layers.Dense(CLASSES, name="logits")(layers.GlobalAveragePooling2D(name="mean")(x))
    made = tf_keras.Model(image, layers.Softmax(name="scores")(x), name="tiny")
    train(made, epochs=20)
    return made


def train(made: Any, epochs: int = 6) -> None:
    """Teach a model the two bits of ``images``."""
    from pipeline.optimize.training import finetune

    inputs, labels = images(600, 5)
    examples = classes.taught(inputs, labels, CLASSES)
    with finetune.reproducible(0):
        finetune.fit(made, examples, examples, finetune.Recipe(epochs, 20, 0.003, 0))


def write(root: Path, made: Any, *, labelled: bool = True) -> dict[str, Path]:
    """Write ``source`` and ``samples`` below a folder: the inputs of a technique of stage model."""
    source, samples = root / "source", root / "samples"
    source.mkdir(parents=True)
    samples.mkdir()
    teaching.write_source(made, source)
    splits = {}
    for seed, name in enumerate(folder.SPLITS):
        inputs, labels = images(200, seed)
        splits[name] = Split({"image": inputs}, classes.truth_of(labels) if labelled else None)
    folder.write(samples, splits, description="noise", task=classes.PURPOSE)
    return given(root)


def given(root: Path) -> dict[str, Path]:
    """The inputs that ``write`` wrote."""
    return {"source": root / "source", "teacher": root / "source", "samples": root / "samples"}


def load(path: Path) -> Any:
    """The Keras model of a SOURCE folder."""
    import tf_keras

    return tf_keras.models.load_model(path / "model.h5", compile=False)
