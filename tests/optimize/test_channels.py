"""Whole channels go, what is left computes the same without those that were zero."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classes import taught
from sources_to_train import inputs, load, write_samples, write_source

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.graphs.keras.channel_groups import find_groups
from pipeline.optimize import channels
from pipeline.optimize.training.examples import Examples, Mix
from pipeline.samples.folder import Split
from tools import train_digits as train

NOTHING = Examples((np.zeros((1, 1)),), (np.zeros((1, 1)),), "teacher", Mix())


def application(name: str, **options: Any) -> Any:
    import tf_keras

    make = getattr(tf_keras.applications, name)
    return make(input_shape=(32, 32, 3), weights=None, classes=10, **options)


def joined() -> Any:
    """Concatenated and flattened channels, and a batch norm over both parts."""
    import tf_keras

    k = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    parts = [k.Conv2D(8, 3, padding="same", name=name)(image) for name in ("left", "right")]
    x = k.BatchNormalization(name="norm")(k.Concatenate()(parts))
    x = k.Conv2D(16, 3, strides=4, activation="relu", name="both")(x)
    return tf_keras.Model(image, k.Dense(10, name="scores")(k.Flatten()(x)))


def in_a_row() -> Any:
    import tf_keras

    k = tf_keras.layers
    return tf_keras.Sequential(
        [
            k.Input((8, 8, 3)),
            k.Conv2D(16, 3, activation="relu", name="first"),
            k.GlobalAveragePooling2D(),
            k.Dense(16, activation="tanh", name="second"),
            k.Dense(10, activation="softmax", name="scores"),
        ]
    )


def random_weights(model: Any) -> None:
    chance = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [
                chance.uniform(0.5, 1.5, w.shape)
                if w.ndim == 1
                else chance.normal(0, np.sqrt(2 / max(1, w[..., 0].size)), w.shape)
                for w in layer.get_weights()
            ]
        )


def zero_odd_channels(model: Any) -> set[str]:
    """Make every second channel zero that may go; the layers that make these."""
    groups = find_groups(model)
    free = groups.free()
    for name, layout in groups.carriers.items():
        layer, ones = model.get_layer(name), np.ones(sum(groups.sizes[s] for s in layout))
        for root, part in groups.parts(layout, ones):  # parts are views
            part[1::2] = root not in free
        if hasattr(layer, "gamma"):
            gamma, beta, *rest = layer.get_weights()
            layer.set_weights([gamma * ones, beta * ones, rest[0] * ones, rest[1]])
    made = {layer for layers in free.values() for layer in layers}
    for name in made:
        layer = model.get_layer(name)
        weights = layer.get_weights()
        for values in weights:
            values[..., 1::2] = 0
        layer.set_weights(weights)
    return made


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda: application("MobileNet", alpha=0.25), id="v1", marks=pytest.mark.nightly
        ),
        pytest.param(
            lambda: application("MobileNetV2", alpha=0.35), id="v2", marks=pytest.mark.nightly
        ),
        pytest.param(
            lambda: application("MobileNetV3Small", minimalistic=False),
            id="v3-small",
            marks=pytest.mark.nightly,
        ),
        joined,
        in_a_row,
    ],
)
def test_without_channels_that_are_zero_the_output_is_the_same(make: Callable[[], Any]) -> None:
    model = make()
    random_weights(model)
    made = zero_odd_channels(model)
    slim, widths = channels.remove(
        model, NOTHING, channels.Options(share=0.5, multiple=1, importance="l1")
    )
    assert set(widths) == made
    assert all(after == -(-before // 2) for before, after in widths.values()), widths
    # All but what reads the image and what gives the scores.
    makers = [layer for layer in model.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    assert len(widths) == len(makers) - 1
    image = np.random.default_rng(1).normal(size=(4, *model.input_shape[1:])).astype(np.float32)
    wanted = model.predict(image, verbose=0)
    assert np.ptp(wanted) > 0
    found = slim.predict(image, verbose=0)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))


def test_what_is_not_understood_keeps_its_channels() -> None:
    import tf_keras

    k = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    shared = k.Conv2D(16, 3, padding="same", name="shared")
    x = k.Conv2D(16, 3, padding="same", name="before")(image)
    x = k.Conv2D(16, 3, padding="same", name="free")(shared(shared(x)))
    x = k.Conv2D(16, 3, padding="same", name="softened", activation="softmax")(x)
    x = k.Conv2D(16, 3, padding="same", groups=2, name="grouped")(x)
    x = k.GlobalAveragePooling2D()(k.LayerNormalization(name="layers")(x))
    model = tf_keras.Model(image, k.Dense(4, name="scores")(x))
    _, widths = channels.remove(model, NOTHING, channels.Options(share=0.5, importance="l1"))
    assert widths == {"free": [16, 8]}


@pytest.mark.parametrize("importance", ["l1", "bn_scale", "taylor"])
def test_the_channels_that_matter_least_go(importance: str) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    k = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = k.Conv2D(16, 3, use_bias=False, name="conv")(image)
    x = k.ReLU()(k.BatchNormalization(name="norm")(x))
    answer = k.Dense(4, activation="softmax", name="scores")(k.GlobalAveragePooling2D()(x))
    model = tf_keras.Model(image, answer)
    gamma = np.where(np.arange(16) % 2, 1.0, 0.01)
    model.get_layer("norm").set_weights([gamma, *model.get_layer("norm").get_weights()[1:]])
    chance = np.random.default_rng(0)
    images = chance.normal(size=(40, 8, 8, 3)).astype(np.float32)
    examples = taught(images, chance.integers(0, 4, 40), 4)
    options = channels.Options(share=0.5, importance=importance)  # type: ignore[arg-type]
    slim, widths = channels.remove(model, examples, options)
    assert widths == {"conv": [16, 8]}
    np.testing.assert_allclose(slim.get_layer("norm").gamma.numpy(), 1.0)


def two_heads(backbone_learns: bool, **norm: bool) -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    k = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = k.Conv2D(16, 3, name="conv", trainable=backbone_learns)(image)
    x = k.ReLU()(k.BatchNormalization(name="norm", **norm)(x))
    heads = []
    for name in ("left", "right"):
        head = k.Conv2D(16, 3, activation="relu", name=f"{name}_conv")(x)
        heads.append(k.Dense(4, name=name)(k.GlobalAveragePooling2D()(head)))
    return tf_keras.Model(image, heads)


@pytest.mark.parametrize("backbone_learns", [True, False])
@pytest.mark.parametrize("norm", [True, False], ids=["norm", "norm-without-weights"])
def test_every_output_says_what_channels_matter(backbone_learns: bool, norm: bool) -> None:
    model = two_heads(backbone_learns, scale=norm, center=norm)
    for name in ("left_conv", "right_conv"):  # of no use: every second channel
        layer = model.get_layer(name)
        layer.set_weights([w * (np.arange(16) % 2) for w in layer.get_weights()])
    images = np.random.default_rng(0).normal(size=(40, 8, 8, 3)).astype(np.float32)
    wanted = tuple(answer + 1 for answer in model.predict(images, verbose=0))
    slim, widths = channels.remove(
        model, Examples((images,), wanted, "teacher"), channels.Options(share=0.5)
    )
    assert widths == {name: [16, 8] for name in ("conv", "left_conv", "right_conv")}
    for name in ("left_conv", "right_conv"):
        assert (np.abs(slim.get_layer(name).kernel.numpy()).max(axis=(0, 1, 2)) > 0).all()


def test_layers_that_can_spare_more_lose_more() -> None:
    importance = {
        0: np.linspace(0.9, 1.1, 16),
        1: np.array([*np.linspace(0.05, 0.2, 12), *[3.6] * 4]),
    }
    options = channels.Options(share=0.25, multiple=4, across="model")
    stay = channels.choose(importance, options)
    assert [int(mask.sum()) for mask in stay.values()] == [16, 8]
    stay = channels.choose(importance, channels.Options(share=0.25, multiple=4))
    assert [int(mask.sum()) for mask in stay.values()] == [12, 12]


@pytest.mark.nightly
def test_a_pruned_mobilenet_is_smaller_and_learns_on(digits_root: Path, tmp_path: Path) -> None:
    options = channels.Options(share=0.3, finetune_epochs=3, label_share=0.5)
    channels.apply(inputs(digits_root), options, tmp_path)
    before, after = load(digits_root / "source"), load(tmp_path)
    assert (after.input_names, after.output_names) == (before.input_names, before.output_names)
    told = json.loads((tmp_path / "channels.json").read_text())
    assert told["parameters"] == [before.count_params(), after.count_params()]
    assert after.count_params() < 0.7 * before.count_params()
    assert told["channels"]["conv_pw_13"] == [256, 176]
    test = train.examples("test")
    answers = after(test.inputs[0]).numpy()
    assert (answers.argmax(axis=1) == test.targets[0]).mean() > 0.93


@pytest.mark.nightly  # one process gives them: test_qat.py; another one: test_prune.py
def test_the_same_bytes_twice_without_labels(tmp_path: Path) -> None:
    write_source(in_a_row(), tmp_path / "source")
    name = load(tmp_path / "source").input_names[0]
    images = np.random.default_rng(0).normal(size=(24, 8, 8, 3)).astype(np.float32)
    write_samples(tmp_path / "samples", Split({name: images}, None))
    options = channels.Options(share=0.5, finetune_epochs=2)
    for folder in ("once", "twice"):
        (tmp_path / folder).mkdir()
        channels.apply(inputs(tmp_path), options, tmp_path / folder)
    for name in ("model.h5", "channels.json", "source.json"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


def test_a_norm_without_a_factor_leaves_the_weights_to_judge_by() -> None:
    options = channels.Options(share=0.5, importance="bn_scale")
    _, widths = channels.remove(two_heads(backbone_learns=True, scale=False), NOTHING, options)
    assert widths["conv"] == [16, 8]


def test_a_model_within_the_model_is_named() -> None:
    import tf_keras

    model = tf_keras.Sequential([tf_keras.Input((8, 8, 3)), in_a_row()])
    with pytest.raises(PipelineError, match="those of a model within the model") as caught:
        channels.remove(model, NOTHING, channels.Options(importance="l1"))
    assert model.layers[0].name in str(caught.value)


def test_what_cannot_be_done_is_said() -> None:
    model = in_a_row()
    with pytest.raises(ConfigError, match="no convolution or dense layer nowhere"):
        channels.remove(model, NOTHING, channels.Options(skip=["nowhere"]))
    with pytest.raises(PipelineError, match="no channel can be removed") as caught:
        channels.remove(model, NOTHING, channels.Options(multiple=16, importance="l1"))
    assert "scores has a softmax over them" in str(caught.value)
