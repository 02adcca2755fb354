"""Keras 3 models rebuilt in tf_keras compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly

from pipeline.base.errors import PipelineError
from pipeline.sources.keras.activations import COMPOSED, OPERATIONS
from pipeline.sources.keras.to_tf_keras import convert


def randomize(model: Any, seed: int = 0) -> None:
    """Weights that no layer leaves as it got them, so that a swap of two shows."""
    random = np.random.default_rng(seed)
    model.set_weights(
        [
            random.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else random.normal(0, 0.2, w.shape)
            for w in model.get_weights()
        ]
    )


def check(model: Any, tolerance: float = 1e-5) -> Any:
    """Convert, compare on random inputs, return the twin."""
    randomize(model)
    twin = convert(model)
    random = np.random.default_rng(1)
    inputs = [
        random.integers(0, 7, (2, *tensor.shape[1:])).astype("int32")
        if tensor.dtype == "int32"
        else random.normal(size=(2, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]
    given = inputs[0] if len(inputs) == 1 else inputs
    # Not predict(), which would trace both models.
    outputs = model(given, training=False), twin(given, training=False)
    expected, found = (x if isinstance(x, list) else [x] for x in outputs)
    for one, other in zip(map(np.asarray, expected), map(np.asarray, found), strict=True):
        assert np.ptp(one) > 0
        np.testing.assert_allclose(other, one, atol=tolerance * max(1.0, np.abs(one).max()))
    return twin


@pytest.mark.parametrize(
    ("name", "options"),
    [
        nightly("MobileNet", {"alpha": 0.25, "input_shape": (32, 32, 3)}),
        nightly("MobileNetV2", {"alpha": 0.35, "input_shape": (32, 32, 3)}),
        ("MobileNetV3Small", {"alpha": 0.75, "input_shape": (32, 32, 3)}),
    ],
)
def test_applications(name: str, options: dict[str, Any]) -> None:
    import keras

    model = getattr(keras.applications, name)(
        weights=None, classes=5, classifier_activation=None, **options
    )
    twin = check(model)
    assert {layer.name for layer in model.layers} <= {layer.name for layer in twin.layers}


def test_two_inputs_two_outputs_a_shared_model_inside_and_operations() -> None:
    import keras

    layers = keras.layers
    image, vector = keras.Input((6, 6, 2), name="image"), keras.Input((4,), name="vector")
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(layers.SeparableConv2D(4, 3)(image))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation="silu"), layers.LeakyReLU(0.1)], name="inner"
    )
    left, right = inner(layers.Flatten()(pooled)), inner(vector)
    total = layers.Add(name="total")([left, right])
    scaled = keras.ops.relu(total * 2.0 - 1.0)
    out = layers.Dense(3, name="out", kernel_regularizer="l2")(scaled - right)
    twin = check(keras.Model([image, vector], [out, total]))
    assert twin.input_names == ["image", "vector"]
    assert twin.output_names == ["out", "total"]
    assert len(twin.get_layer("inner").weights) == 2


def test_recurrent_layers_in_wrappers() -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            layers.GRU(2),
        ]
    )
    check(model)


def test_hard_activations_keep_the_meaning_of_keras_3() -> None:
    import keras

    inputs = keras.Input((7,))
    gate = keras.layers.Activation("hard_sigmoid", name="gate")(inputs)
    swish = keras.layers.Activation("hard_silu", name="swish")(inputs)
    twin = convert(keras.Model(inputs, [gate, swish]))
    x = np.linspace(-4, 4, 7, dtype="float32")[None]
    gate_found, swish_found = twin(x)
    np.testing.assert_allclose(gate_found, np.clip(x + 3, 0, 6) / 6, atol=1e-6)
    np.testing.assert_allclose(swish_found, x * np.clip(x + 3, 0, 6) / 6, atol=1e-6)


def test_unknown_layer_is_named() -> None:
    import keras

    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.AutoContrast(name="odd")(inputs))
    with pytest.raises(PipelineError) as error:
        convert(model)
    assert "layer 'odd' (AutoContrast) cannot be taken to tf_keras: tf_keras has no such layer" in (
        str(error.value)
    )


def test_activation_of_neither_is_refused() -> None:
    import keras

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="sparsemax", name="d")(inputs))
    with pytest.raises(PipelineError, match=r"'d' \(Dense\).*activation 'sparsemax'"):
        convert(model)


def test_activations_that_are_layers_there() -> None:
    import keras

    inputs, outputs = keras.Input((3, 6)), []
    for name in COMPOSED:
        x = keras.layers.Dense(8, activation=name)(inputs)
        outputs.append(keras.layers.Activation(name)(x))
        if name in OPERATIONS.values():
            outputs.append(getattr(keras.ops, name)(x * 2.0))
    check(keras.Model(inputs, outputs))


def test_layers_that_tf_keras_lacks() -> None:
    import keras

    layers, image = keras.layers, keras.Input((3, 8, 6, 4))
    frame = keras.Sequential([keras.Input((8, 6, 4)), layers.Conv2D(3, 2), layers.Flatten()])
    x = layers.AdaptiveAveragePooling3D((3, 4, 2))(image)
    x = layers.Solarization()(layers.Reshape((12, 8, 1))(layers.RMSNormalization(epsilon=0.1)(x)))
    x = layers.SpectralNormalization(layers.Dense(3))(layers.Reshape((12, 8))(x))
    x = layers.GroupQueryAttention(2, 4, 2)(x, x)
    words = keras.Input((5,), dtype="int32")
    embedding = layers.ReversibleEmbedding(7, 4)
    logits = embedding(embedding(words), reverse=True)
    check(keras.Model([image, words], [x, layers.TimeDistributed(frame)(image), logits]))


def test_operations_between_layers() -> None:
    import keras

    ops, layers, inputs = keras.ops, keras.layers, keras.Input((4, 6))
    constant = np.arange(24, dtype="float32").reshape(4, 6) / 9
    x = layers.Dense(6)((1.0 - inputs) * constant[:1] - constant + inputs)
    shown = ops.concatenate([x[:, 1:-1, None, 3:], ops.reshape(x, (-1, 2, 1, 12))[..., :3]], axis=2)
    moved = ops.matmul(ops.transpose(x, (0, 2, 1)), ops.square(-x))
    sums = [ops.mean(shown, axis=(1, 3)), ops.sum(moved, axis=2, keepdims=True), x[:, 0]]
    check(keras.Model(inputs, sums))
    for odd in (inputs / x, ops.exp(x)):
        with pytest.raises(PipelineError, match="tf_keras has no layer"):
            convert(keras.Model(inputs, layers.Flatten()(odd)))


def test_gates_that_are_hard_sigmoids() -> None:
    import keras

    layers, inputs = keras.layers, keras.Input((5, 3))
    gates = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
    x = layers.Bidirectional(layers.LSTM(4, **gates))(inputs)
    x = layers.GRU(3, reset_after=False, dropout=0.1, recurrent_dropout=0.1, **gates)(x)
    check(keras.Model(inputs, layers.GRU(3, **gates)(x)))


def test_masks_follow_tensors_and_others_are_given(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    values, keep = keras.Input((5, 3)), keras.Input((5,))
    x = layers.LSTM(4, return_sequences=True)(layers.Masking(0.5)(values))
    model = keras.Model([values, keep], layers.LSTM(2)(x, mask=keep > 0))
    with pytest.raises(PipelineError, match=r"Greater.*tf_keras has no layer for this operation"):
        convert(model)
    model = keras.Model(values, layers.LSTM(2)(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    batch = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    batch[1, 2:] = 0.5
    expected = np.asarray(model(batch))
    for one in (model, loaded):
        np.testing.assert_allclose(convert(one)(batch), expected, atol=1e-5)
