"""Models of other dtypes than float32: what they compute, in the formats that pages run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly
from source_models import check_everywhere, make, source_of

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.export import freeze
from pipeline.sources import keras_file, saved_model

pytestmark = pytest.mark.browser

RANDOM = np.random.default_rng(0)


def images(policy: str, file: Path) -> Path:
    """A small Keras 3 network under a dtype policy, whose outputs it fixes."""
    import keras

    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((8, 8, 3), name="image")
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, activation="relu")(image))
        x = keras.layers.Flatten()(keras.layers.DepthwiseConv2D(3)(x))
        keras.Model(image, keras.layers.Dense(3, name="scores")(x)).save(file)
    finally:
        keras.config.set_dtype_policy("float32")
    return file


def loop(file: Path) -> Path:
    """A SavedModel in float64: a loop, a mask of -1e300, a cast, and a weight in a file."""
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(RANDOM.normal(0, 0.5, (4, 4)), dtype=tf.float64)
    module.wide = tf.Variable(RANDOM.normal(0, 0.5, (4, 40_000)), dtype=tf.float64)

    def call(x: Any, keep: Any) -> dict[str, Any]:
        _, y = tf.while_loop(
            lambda i, _: i < 3, lambda i, y: (i + 1, tf.tanh(y @ module.weight)), (0, x)
        )
        masked = tf.where(keep, y, tf.constant(-1e300, tf.float64))
        single = tf.cast(tf.cast(y, tf.float32), tf.float64)
        wide = tf.reduce_max(tf.tanh(x @ module.wide), -1)
        return {"y": tf.nn.softmax(masked), "single": single, "wide": wide}

    specs = [tf.TensorSpec((None, 4), tf.float64, "x"), tf.TensorSpec((None, 4), tf.bool, "keep")]
    module.call = tf.function(call, input_signature=specs)
    tf.saved_model.save(module, file, signatures=module.call)
    return file


def whole(file: Path) -> Path:
    """A SavedModel of int64 and bool, in and out."""
    import tensorflow as tf

    table = tf.constant(RANDOM.normal(size=(9, 4)), tf.float32)

    def call(ids: Any, keep: Any) -> dict[str, Any]:
        rows = tf.gather(table, ids) * tf.cast(keep, tf.float32)[..., None]
        return {"sum": tf.reduce_sum(rows, 1), "next": ids + 1, "drop": tf.logical_not(keep)}

    module = tf.Module()
    specs = [tf.TensorSpec((None, 5), tf.int64, "ids"), tf.TensorSpec((None, 5), tf.bool, "keep")]
    module.call = tf.function(call, input_signature=specs)
    tf.saved_model.save(module, file, signatures=module.call)
    return file


IMAGE = {"image": RANDOM.normal(size=(2, 8, 8, 3)).astype(np.float32)}
STATES = {
    "x": RANDOM.normal(size=(2, 4)).astype(np.float32),
    "keep": np.array([[True, False, True, True], [True, True, False, False]]),
}
IDS = {"ids": RANDOM.integers(0, 9, (2, 5)), "keep": RANDOM.random((2, 5)) < 0.5}

Write = Callable[[Path], Path]

#: Name -> the model, feeds, the dtypes that it is converted from, how near its answers come.
MODELS: dict[str, tuple[Write, dict[str, Any], list[str], float]] = {
    "mixed_bfloat16": (lambda file: images("mixed_bfloat16", file), IMAGE, ["bfloat16"], 0.05),
    "bfloat16": (lambda file: images("bfloat16", file), IMAGE, ["bfloat16"], 0.05),
    "mixed_float16": (lambda file: images("mixed_float16", file), IMAGE, ["float16"], 0.01),
    "float64": (lambda file: images("float64", file), IMAGE, ["float64"], 1e-5),
    "loop": (loop, STATES, ["float64"], 1e-5),
    "whole": (whole, IDS, [], 1e-6),
}


#: Computed as ``mixed_bfloat16`` is, which has both dtypes.
ALIKE = ("bfloat16", "mixed_float16")


@pytest.mark.parametrize("name", [nightly(name) if name in ALIKE else name for name in MODELS])
def test_answers_as_the_source_does_in_its_own_dtype(name: str, tmp_path: Path) -> None:
    write, feeds, dtypes, tolerance = MODELS[name]
    made = make(write(tmp_path / ("saved" if write in (loop, whole) else "model.keras")), tmp_path)
    assert Frozen(made.frozen).dtypes == dtypes
    answers = check_everywhere(made, feeds, tolerance)
    assert all(np.ptp(values.astype(float)) > 0 for values in answers.values())


def test_the_file_says_which_bits_are_few(tmp_path: Path) -> None:
    import keras

    file = images("mixed_bfloat16", tmp_path / "model.keras")
    assert keras_file.narrow(keras_file.Options(path=file)) == ("bfloat16",)
    keras.models.load_model(file).export(tmp_path / "saved", verbose=False)
    assert saved_model.narrow(saved_model.Options(path=tmp_path / "saved")) == ("bfloat16",)
    whole(tmp_path / "whole")
    assert saved_model.narrow(saved_model.Options(path=tmp_path / "whole")) == ()


def test_the_signature_says_which_dtypes_changed(tmp_path: Path) -> None:
    made = make(loop(tmp_path / "saved"), tmp_path)
    keep, x = made.signature.inputs
    assert (keep.dtype, keep.converted_from) == ("bool", None)
    assert (x.dtype, x.converted_from) == ("float32", "float64")
    assert {spec.converted_from for spec in made.signature.outputs} == {"float64"}


def test_bits_of_numbers_are_not_read_in_another_dtype(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(
        lambda x: {"bits": tf.bitcast(x, tf.int64)},
        input_signature=[tf.TensorSpec((None,), tf.float64, "x")],
    )
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.call)
    source = source_of(tmp_path / "saved", tmp_path / "source")
    with pytest.raises(PipelineError, match="reads the bits of a float64 number"):
        freeze.freeze({"source": source}, NoOptions(), tmp_path)
