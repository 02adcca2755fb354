"""Lookups: of whole numbers they are comparisons, of words they stay in front of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_models import check_everywhere, make, source_of

from pipeline.base.errors import SourceError

pytestmark = pytest.mark.browser


def looking_up(file: Path) -> Path:
    """Lookups of Keras: one hot, as numbers with what is unknown, and adapted."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    code, rank = keras.Input((1,), dtype="int64", name="zip"), keras.Input((3,), dtype="int64")
    one_hot = layers.IntegerLookup(vocabulary=[30, 10, 20], output_mode="one_hot")(code)
    adapted = layers.IntegerLookup(num_oov_indices=2)
    adapted.adapt(np.array([7, 7, 9, 5, 9, 7]))
    embedded = layers.Flatten()(layers.Embedding(6, 2)(adapted(rank)))
    out = layers.Dense(3)(layers.Concatenate()([one_hot, embedded]))
    keras.Model([code, rank], out).save(file)
    return file


def table(folder: Path) -> Path:
    """A table of TensorFlow from whole numbers to others, and how many there are."""
    import tensorflow as tf

    module = tf.Module()
    values = tf.lookup.KeyValueTensorInitializer([5, -1, 2], [0.5, 1.5, 2.5], tf.int64, tf.float32)
    module.table = tf.lookup.StaticHashTable(values, -7.0)
    module.call = tf.function(
        lambda x: {"y": module.table.lookup(x) * tf.cast(module.table.size(), tf.float32)},
        input_signature=[tf.TensorSpec((None, 2), tf.int64, name="x")],
    )
    tf.saved_model.save(module, folder, signatures=module.call)
    return folder


def test_whole_numbers(tmp_path: Path) -> None:
    made = make(looking_up(tmp_path / "model.keras"), tmp_path / "keras")
    code, rank = (spec.name for spec in made.signature.inputs)
    ranks = np.array([[7, 5, 9], [7, 7, 4], [1, 2, 3], [9, 9, 5]])
    found = check_everywhere(made, {code: np.array([[10], [20], [30], [40]]), rank: ranks})
    assert len(np.unique(found[made.signature.outputs[0].name], axis=0)) == 4
    made = make(table(tmp_path / "saved"), tmp_path / "tensorflow")
    found = check_everywhere(made, {"x": np.array([[5, 2], [-1, 0]])})
    np.testing.assert_allclose(found["y"], np.array([[0.5, 2.5], [1.5, -7.0]]) * 3)


def test_words_stay_in_front_of_the_model(tmp_path: Path) -> None:
    """The way out that errors tell is taken here."""
    import keras

    layers = keras.layers
    vectorize = layers.TextVectorization(output_sequence_length=4, name="words")
    vectorize.adapt(["the cat sat", "a dog ran"])
    ages = keras.Input((1,), name="age")
    text = keras.Input((1,), dtype="string", name="text")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(10, 3)(vectorize(text)))
    model: Any = keras.Model([text, ages], layers.Dense(2)(layers.Concatenate()([x, ages])))
    model.save(tmp_path / "model.keras")
    with pytest.raises(SourceError) as error:
        source_of(tmp_path / "model.keras", tmp_path / "refused")
    assert "refused layer 'words' (TextVectorization): no browser format has" in str(error.value)
    assert "keras.Model([model.get_layer('words').output, …other inputs], model.outputs)" in str(
        error.value
    )
    behind = keras.Model([model.get_layer("words").output, ages], model.outputs)
    behind.save(tmp_path / "behind.keras")
    made = make(tmp_path / "behind.keras", tmp_path / "behind")
    ids = np.asarray(vectorize(["the dog sat", "a cat"]), np.int64)
    years = np.array([[1.0], [2.0]], np.float32)
    names = [spec.name for spec in made.signature.inputs]
    check_everywhere(made, dict(zip(names, (ids, years), strict=True)))
