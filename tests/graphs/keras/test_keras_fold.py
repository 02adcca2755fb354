"""Folding batch norms leaves the function of a Keras model as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trainable

from pipeline.graphs.keras.fold import along, fold, kernel_of, linear_layers
from pipeline.graphs.keras.layers import layers


@pytest.fixture(scope="module")
def before() -> Any:
    return trainable.model()


@pytest.fixture(scope="module")
def folded(before: Any) -> Any:
    return fold(before)


def test_it_computes_the_same(before: Any, folded: Any) -> None:
    inputs, _ = trainable.images(20)
    expected = before(inputs).numpy()
    np.testing.assert_allclose(folded[0](inputs), expected, atol=2e-6)
    assert np.ptp(expected, axis=0).min() > 1e-4


def test_only_norms_that_stand_behind_a_linear_layer_alone_are_folded(
    before: Any, folded: Any
) -> None:
    left = [layer.name for layer in layers(folded[0])]
    assert [name for name in left if name.endswith("norm")] == list(trainable.KEPT)
    others = {layer.name for layer in layers(before) if not layer.name.endswith("norm")}
    assert others <= set(left)
    assert folded[0].name == before.name


def test_it_tells_what_each_kernel_was_multiplied_by(before: Any, folded: Any) -> None:
    names = [one.after.name for one in folded[1]]
    assert names == [layer.name for layer in linear_layers(before)]
    for one in folded[1]:
        expected = kernel_of(one.before).numpy() * along(one.before, one.scale)
        np.testing.assert_array_equal(kernel_of(one.after).numpy(), expected.astype(np.float32))
    plain = {one.after.name for one in folded[1] if (one.scale == 1).all()}
    assert plain == {"kept", "read_twice", "logits"}


@pytest.mark.parametrize("in_a_row", [True, False])
def test_an_output_keeps_its_name_where_its_norm_is_folded(in_a_row: bool) -> None:
    import tf_keras

    x = tf_keras.Input(3, name="x")
    dense, norm = (
        tf_keras.layers.Dense(2, name="dense"),
        tf_keras.layers.BatchNormalization(name="embedding"),
    )
    model = tf_keras.Sequential([x, dense, norm]) if in_a_row else tf_keras.Model(x, norm(dense(x)))
    norm.moving_mean.assign([3.0, -2.0])
    after, (scaled,) = fold(model)
    assert after.output_names == ["embedding"]
    assert scaled.norm == "embedding"
    assert not [layer for layer in after.layers if hasattr(layer, "moving_variance")]
    inputs = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(after(inputs), model(inputs), rtol=1e-5)


def test_a_layer_that_two_places_share_keeps_its_norm() -> None:
    import tf_keras

    a, b = tf_keras.Input(3, name="a"), tf_keras.Input(3, name="b")
    shared = tf_keras.layers.Dense(2, name="shared")
    norm = tf_keras.layers.BatchNormalization(name="norm")(shared(a))
    model = tf_keras.Model([a, b], [norm, shared(b)])
    inputs = [np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)]
    model.get_layer("norm").moving_mean.assign([3.0, -2.0])
    after, _ = fold(model)
    assert "norm" in [layer.name for layer in after.layers]
    for one, other in zip(model(inputs), after(inputs), strict=True):
        np.testing.assert_array_equal(one, other)
