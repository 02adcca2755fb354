"""Train the bundled detector of digits: ``python -m tools.train_detector``.

It is the bundled MobileNet with the head of a single-shot detector (Liu et al. 2016,
arXiv:1512.02325), trained on drawings of the digits' calibration split. All is seeded: the same
TensorFlow with as many threads on the same kind of processor gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import yaml

from pipeline.bundled.digits import ATTRIBUTION, FILE, LICENSE, digits
from pipeline.bundled.drawings import SIZE, TITLE, draw, drawings
from pipeline.tasks.find import Purpose
from pipeline.tasks.object_detection.anchors import make_anchors
from pipeline.tasks.object_detection.precision import overlap_all
from pipeline.tensors.per_sample import PerSample

HERE = FILE.parent
NAME = "digits_detector"
CONFIG = Path(__file__).parents[1] / "configs" / "digits-detection.yaml"
SEED = 0
BATCH_SIZE, STEPS, EPOCHS, LEARNING_RATE = 32, 50, 24, 3e-3
CLASSES = 10

#: The last layer that is kept of MobileNet: the ones behind it see more than a drawing.
LAST = "conv_pw_11_relu"

#: From this overlap on an anchor is of a digit, and below the second it is of none.
SAME, OTHER = 0.5, 0.4

#: Weights of scores' errors (Lin et al. 2017, arXiv:1708.02002), and of boxes' beside them.
FOCUS, BALANCE, OF_BOXES = 2.0, 0.5, 1.0


def purpose() -> Purpose:
    """What the config says that the model is for: it is trained as it is decoded."""
    config = yaml.safe_load(CONFIG.read_text())
    (said,) = config["task"].items()
    return Purpose(name=said[0], options=said[1], labels=config["labels"])


def architecture() -> Any:
    """MobileNet until ``LAST`` with its bundled weights, where a pixel is 8 of the drawing, and two
    convolutions for the boxes and scores of each place.

    Its layers see 64 pixels in every direction there; one stride of 2 is left out, so that small
    digits keep a place of their own.
    """
    import tf_keras
    from tf_keras import layers

    base = tf_keras.models.load_model(HERE / "mobilenet_digits.h5", compile=False)
    image = tf_keras.Input((SIZE, SIZE, 3), name="image")
    hidden = image
    for layer in base.layers[1 : base.layers.index(base.get_layer(LAST)) + 1]:
        if layer.name == "conv_pad_6":
            continue
        fresh = type(layer).from_config(
            {
                **layer.get_config(),
                **({"strides": 1, "padding": "same"} if layer.name == "conv_dw_6" else {}),
            }
        )
        hidden = fresh(hidden)
        fresh.set_weights(layer.get_weights())
    hidden = layers.SeparableConv2D(128, 3, padding="same", use_bias=False, name="head")(hidden)
    hidden = layers.ReLU(6.0, name="head_relu")(layers.BatchNormalization(name="head_bn")(hidden))
    places = (SIZE // 8) ** 2
    each = len(make_anchors(purpose().about().options.anchors)) // places
    # Before it has learnt anything, it says of each anchor that a hundredth of it is a digit.
    rare = tf_keras.initializers.Constant(-np.log(99))
    boxes = layers.Conv2D(each * 4, 1, name="box_convolution")(hidden)
    scores = layers.Conv2D(each * CLASSES, 1, bias_initializer=rare, name="score_convolution")(
        hidden
    )
    boxes = layers.Reshape((places * each, 4), name="boxes")(boxes)
    scores = layers.Reshape((places * each, CLASSES), name="score_rows")(scores)
    scores = layers.Activation("sigmoid", name="scores")(scores)
    return tf_keras.Model(image, [boxes, scores], name=NAME)


def pixels(image: Any) -> Any:
    """As the config prepares it: float32 [128, 128, 3] from -1 to 1."""
    return np.repeat(image[..., None] / np.float32(127.5) - np.float32(1), 3, axis=-1)


def targets(objects: list[dict[str, Any]], anchors: Any, scale: Any) -> tuple[Any, Any]:
    """What a drawing teaches, of each anchor.

    Args:
        anchors: [n, 4], centres and sizes as shares of the drawing.
        scale: [4], what boxes are divided by.

    Returns:
        [n, 5], its box relative to the anchor, and 1 where there is one; [n, classes + 1], 1 for
        its class, and 0 at the end where its score does not count.
    """
    boxes, scores = np.zeros((len(anchors), 5)), np.zeros((len(anchors), CLASSES + 1))
    scores[:, -1] = 1
    if not objects:
        return boxes, scores
    wanted = np.array([one["box"] for one in objects]) / SIZE
    centers = np.concatenate([wanted[:, :2] + wanted[:, 2:] / 2, wanted[:, 2:]], axis=1)
    shared = overlap_all(_edges(anchors), _edges(centers), np.zeros(len(wanted), bool))
    of, most = shared.argmax(axis=1), shared.max(axis=1)
    # Each digit has one anchor at least.
    best = shared.argmax(axis=0)
    of[best], most[best] = np.arange(len(wanted)), 1
    is_of = most >= SAME
    scores[(most >= OTHER) & ~is_of, -1] = 0
    numbers = np.array([int(one["label"]) for one in objects])
    scores[np.flatnonzero(is_of), numbers[of[is_of]]] = 1
    mine, box = anchors[is_of], centers[of[is_of]]
    relative = np.concatenate(
        [(box[:, :2] - mine[:, :2]) / mine[:, 2:], np.log(box[:, 2:] / mine[:, 2:])], 1
    )
    boxes[is_of] = np.concatenate([relative * scale, np.ones((len(mine), 1))], axis=1)
    return boxes, scores


def _edges(boxes: Any) -> Any:
    return np.concatenate(
        [boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1
    )


def batches(chance: np.random.Generator) -> Iterator[tuple[Any, tuple[Any, Any]]]:
    """Drawings that are made as they are needed, and what they teach."""
    images, labels = digits("calibration")
    said = purpose().about().options
    anchors, scale = make_anchors(said.anchors), np.array(said.boxes.scale)
    while True:
        drawn = [draw(images, labels, chance) for _ in range(BATCH_SIZE)]
        taught = [targets(objects, anchors, scale) for _, objects in drawn]
        yield (
            np.stack([pixels(image) for image, _ in drawn]),
            tuple(np.stack(part).astype(np.float32) for part in zip(*taught, strict=True)),
        )


def box_loss(wanted: Any, boxes: Any) -> Any:
    """Huber's, of anchors with a digit; [batch]."""
    import tensorflow as tf

    apart = tf.abs(boxes - wanted[..., :4])
    errors = tf.where(apart < 1, apart**2 / 2, apart - 0.5)
    held = wanted[..., 4]
    return OF_BOXES * tf.reduce_sum(errors * held[..., None], [1, 2]) / _count(held)


def score_loss(wanted: Any, scores: Any) -> Any:
    """Binary cross-entropy of anchors that count, focal where there is no digit; [batch]."""
    import tensorflow as tf

    right, counts = wanted[..., :-1], wanted[..., -1:]
    scores = tf.clip_by_value(scores, 1e-6, 1 - 1e-6)
    share = tf.where(right > 0, scores, 1 - scores)
    balance = tf.where(right > 0, BALANCE, 1 - BALANCE)
    # Where there is a digit, each class that it is not counts in full.
    focus = tf.where(tf.reduce_any(right > 0, -1, keepdims=True), 0.0, FOCUS)
    errors = -balance * (1 - share) ** focus * tf.math.log(share) * counts
    return tf.reduce_sum(errors, [1, 2]) / _count(tf.reduce_sum(right, -1))


def _count(held: Any) -> Any:
    """Of each drawing, the anchors with a digit; 1 for none."""
    import tensorflow as tf

    return tf.maximum(tf.reduce_sum(held, -1), 1.0)


def train(out: Path, epochs: int) -> float:
    """Train, write the model and its facts into ``out``, and return its average precision."""
    import tf_keras

    from pipeline.optimize.training.finetune import reproducible, save

    path = out / f"{NAME}.h5"
    with reproducible(SEED):
        tf_keras.backend.clear_session()
        model = architecture()
        rate = tf_keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * STEPS)
        model.compile(tf_keras.optimizers.Adam(rate), [box_loss, score_loss])
        chance = np.random.default_rng(SEED)
        model.fit(batches(chance), steps_per_epoch=STEPS, epochs=epochs, verbose=2)
        save(model, path)
    measured = measure(model)
    facts = facts_of(model.count_params(), measured, epochs, path)
    (out / f"{NAME}.json").write_text(json.dumps(facts, indent=2) + "\n")
    return float(measured["value"])


def measure(model: Any) -> dict[str, Any]:
    """Average precision on the drawings of the test split, with its interval."""
    said = purpose()
    drawn = list(drawings("test"))
    outputs = model.predict(np.stack([pixels(image) for image, _ in drawn]), verbose=0)
    size = np.tile([SIZE, SIZE], (len(drawn), 1))
    origins = {
        "size": size,
        "input": size,
        "scale": np.ones(size.shape),
        "pad": np.zeros(size.shape),
    }
    about = said.about(origins=PerSample(origins))
    truth = said.task.truth([{"objects": objects} for _, objects in drawn], about)
    named = dict(zip(("boxes", "scores"), outputs, strict=True))
    return dict(said.task.score(named, truth, about).measured())


def facts_of(parameters: int, measured: dict[str, Any], epochs: int, path: Path) -> dict[str, Any]:
    """What the model is, and how it was trained."""
    import tensorflow as tf

    return {
        "name": NAME,
        "description": "MobileNet v1 (alpha 0.25) with an SSD head that finds handwritten digits",
        "license": "Apache-2.0",
        "data": {"name": f"{TITLE}, of UCI's", "license": LICENSE, "attribution": ATTRIBUTION},
        "accuracy": {
            "metric": measured["metric"],
            "value": round(measured["value"], 6),
            "on": f"{measured['samples']} held-out {TITLE}",
            "n": measured["samples"],
        },
        "parameters": int(parameters),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "training": {
            "command": f"python -m tools.train_detector --epochs {epochs}",
            "seed": SEED,
            "epochs": epochs,
            "batch_size": BATCH_SIZE,
            "steps": epochs * STEPS,
            "learning_rate": LEARNING_RATE,
            "schedule": "half a cosine to 0",
            "optimizer": "Adam",
            "tensorflow": tf.__version__,
        },
    }


@click.command()
@click.option("--epochs", default=EPOCHS, show_default=True, type=click.IntRange(min=1),
              help=f"How often to see {STEPS} batches of drawings.")  # fmt: skip
@click.option("--out", default=HERE, show_default="this package",
              type=click.Path(file_okay=False, path_type=Path),
              help="Folder to write the model and its facts into.")  # fmt: skip
def main(epochs: int, out: Path) -> None:
    """Train the bundled detector of digits, seeded."""
    out.mkdir(parents=True, exist_ok=True)
    precision = train(out, epochs)
    click.echo(f"{out / NAME}.h5: average precision {precision:.2%}")


if __name__ == "__main__":
    main()
