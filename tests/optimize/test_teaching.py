"""What techniques that train learn from: labels, the source model, or a mix of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classes import PURPOSE, teaching_of, truth_of
from classes import taught as taught_by

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.optimize.training import finetune, losses, teaching
from pipeline.optimize.training.examples import Examples, Mix, held_in, read_examples
from pipeline.optimize.training.outputs import activation_of, is_softmax
from pipeline.samples import folder
from pipeline.samples.folder import Split

COUNT, WIDTH, CLASSES = 12, 5, 4
LABELS = np.arange(COUNT, dtype=np.int64) % CLASSES


def classifier(activation: str, seed: int = 0) -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    x = tf_keras.Input(WIDTH, name="x")
    return tf_keras.Model(x, tf_keras.layers.Dense(CLASSES, activation=activation)(x))


@pytest.fixture(scope="module")
def teacher() -> Any:
    return classifier("softmax")


@pytest.fixture(params=[True, False], ids=["labelled", "unlabelled"])
def samples(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    values = np.random.default_rng(0).standard_normal((COUNT, WIDTH), np.float32)
    split = Split({"x": values}, truth_of(LABELS) if request.param else None)
    folder.write(tmp_path, dict.fromkeys(folder.SPLITS, split), description="noise", task=PURPOSE)
    return tmp_path


def test_frozen_layers_learn_too(tmp_path: Path) -> None:
    """As transfer learning saves a model: a backbone within it that is not to be trained."""
    import tf_keras

    layers = tf_keras.layers
    x = tf_keras.Input(WIDTH, name="x")
    backbone = tf_keras.Sequential([x, layers.Dense(3, name="inner")], name="backbone")
    backbone.trainable = False
    model = tf_keras.Model(x, layers.Dense(CLASSES, trainable=False)(backbone(x)))
    teaching.write_source(model, tmp_path)
    learner, _ = teaching.keras_model(SourceFolder(tmp_path), "qat")
    inputs = np.random.default_rng(0).standard_normal((COUNT, WIDTH), np.float32)
    examples = taught_by(inputs, LABELS, CLASSES, "linear")
    with finetune.reproducible(0):
        finetune.fit(learner, examples, examples, finetune.Recipe(1, COUNT, 0.1, 0))
    assert len(learner.weights) == 4
    for before, after in zip(model.get_weights(), learner.get_weights(), strict=True):
        assert (before != after).any()


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_labels_teach_as_much_as_they_are_asked_to(
    samples: Path, teacher: Any, share: float
) -> None:
    examples = read_examples(SamplesFolder(samples), teacher, ["x"], mix=Mix(share))
    labelled = (samples / "calibration" / "truth.safetensors").exists()
    expected = {0: "teacher", 0.5: "both", 1: "truth"}[share] if labelled else "teacher"
    assert examples.taught_by == expected
    answers = teacher.predict(examples.inputs[0], verbose=0)
    (targets,) = examples.targets
    if expected == "both":
        np.testing.assert_array_equal(targets[:, 0], LABELS)
    wanted = LABELS if expected == "truth" else answers
    np.testing.assert_array_equal(targets[:, 1:] if expected == "both" else targets, wanted)


@pytest.mark.parametrize(
    ("activation", "teaches"), [("softmax", "truth"), ("linear", "truth"), ("sigmoid", "teacher")]
)
def test_labels_teach_only_what_a_softmax_makes_scores_of(
    tmp_path: Path, activation: str, teaches: str
) -> None:
    split = Split({"x": np.ones((COUNT, WIDTH), np.float32)}, truth_of(LABELS))
    folder.write(tmp_path, dict.fromkeys(folder.SPLITS, split), description="ones", task=PURPOSE)
    assert (
        read_examples(SamplesFolder(tmp_path), classifier(activation), ["x"]).taught_by == teaches
    )


@pytest.mark.parametrize(
    ("count", "share", "kept"), [(1, 0.5, 1), (2, 0.1, 1), (3, 0.9, 2), (10, 0.25, 2)]
)
def test_some_samples_are_held_back_and_some_are_not(count: int, share: float, kept: int) -> None:
    numbers = np.arange(count)
    train, watch = held_in(Examples((numbers,), (numbers,), "truth"), share, 0)
    assert (len(train), len(watch)) == (max(1, count - kept), kept)
    assert set(train.inputs[0]) | set(watch.inputs[0]) == set(numbers)


@pytest.mark.parametrize("activation", ["softmax", "linear"])
def test_a_mix_is_hintons(activation: str) -> None:
    """Hinton et al. 2015: alpha H(labels, s) + (1 - alpha) T^2 KL(t at T, s at T)."""
    student, share, temperature = classifier(activation), 0.3, 4.0
    chance = np.random.default_rng(1)
    taught, given = (chance.standard_normal((COUNT, CLASSES), np.float32) * 3 for _ in range(2))
    hard = -np.log(softmax(given)[np.arange(COUNT), LABELS])
    t, s = softmax(taught / temperature), softmax(given / temperature)
    expected = share * hard + (1 - share) * temperature**2 * (t * np.log(t / s)).sum(axis=1)
    seen = softmax if activation == "softmax" else np.asarray
    targets = np.concatenate([LABELS[:, None], seen(taught)], axis=1).astype(np.float32)
    examples = Examples(
        (taught,),
        (targets,),
        "both",
        Mix(share, temperature),
        teaching_of(LABELS, CLASSES, activation),
    )
    (loss,) = losses.losses(student, examples)
    np.testing.assert_allclose(loss(targets, seen(given).astype(np.float32)), expected, rtol=1e-4)


def test_a_softmax_that_is_sure_still_learns() -> None:
    import tensorflow as tf

    (loss,) = losses.losses(
        classifier("softmax"), Examples((LABELS,), (LABELS,), "teacher", Mix(0, 2.0))
    )
    logits = tf.Variable([[40.0, 0.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(loss(tf.constant([[0.0, 1.0, 0.0, 0.0]]), tf.nn.softmax(logits)))
    slope = tape.gradient(value, logits).numpy()[0]
    assert np.isfinite(slope).all()
    assert slope[0] > 1 > -1 > slope[1]


def test_the_teacher_is_asked_about_what_was_changed(teacher: Any) -> None:
    inputs = np.random.default_rng(2).standard_normal((COUNT, WIDTH), np.float32)
    targets = np.zeros((COUNT, 1 + CLASSES), np.float32)
    targets[:, 0] = LABELS
    changed = Examples(
        (inputs,), (targets,), "both", teaching=teaching_of(LABELS, CLASSES)
    ).changed((inputs + 1,), teacher)
    np.testing.assert_array_equal(changed.targets[0][:, 0], LABELS)
    answers = teacher.predict(inputs + 1, verbose=0)
    np.testing.assert_array_equal(changed.targets[0][:, 1:], answers)


def test_a_softmax_is_found_however_it_was_written() -> None:
    import tensorflow as tf
    import tf_keras

    x = tf_keras.Input(WIDTH)
    scores = tf_keras.layers.Dense(CLASSES)(x)
    written = {
        "softmax": [
            softened := tf.nn.softmax(scores),
            tf_keras.layers.Softmax()(scores),
            tf_keras.layers.Dropout(0.1)(tf_keras.layers.Reshape((CLASSES,))(softened)),
            tf_keras.layers.Activation("linear", dtype="float32")(softened),
            tf.identity(tf.reshape(tf_keras.layers.Softmax()(scores), (-1, CLASSES))),
        ],
        "linear": [
            scores,
            tf_keras.layers.Reshape((CLASSES,))(scores),
            tf_keras.layers.Reshape((CLASSES // 2, 2))(softened),
            tf_keras.layers.Dense(CLASSES)(softened),
        ],
        "sigmoid": [tf.nn.sigmoid(scores), tf_keras.layers.Activation("sigmoid")(scores)],
    }
    for name, outputs in written.items():
        for output in outputs:
            assert activation_of(tf_keras.Model(x, output)) == name
    inner = tf_keras.Sequential([tf_keras.layers.Dense(CLASSES, activation="softmax")])
    assert is_softmax(tf_keras.Model(x, inner(x)))
