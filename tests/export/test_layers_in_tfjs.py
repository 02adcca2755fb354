"""Layers and loops that TF.js would run wrongly, or not at all, as TensorFlow freezes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frozen_models import freeze, run, tfjs_artifact
from nightly import nightly

from pipeline.backends.web.backends import BACKENDS
from pipeline.graphs.tensorflow.spread import spread
from pipeline.tensors.signature import TensorSpec

pytestmark = pytest.mark.browser

SHAPE = (6, 4)
FEEDS = {"x": np.random.default_rng(3).normal(size=(2, *SHAPE)).astype(np.float32)}


Model = Callable[[Any], dict[str, Any]]


def keras(make: Callable[[Any], list[Any]]) -> Callable[[], Model]:
    """A chain of layers, with weights under which states move."""

    def model() -> Model:
        import keras as keras3

        keras3.utils.set_random_seed(4)
        chain = keras3.Sequential([keras3.Input(SHAPE), *make(keras3.layers)])
        chain.set_weights([weight * 2 for weight in chain.get_weights()])
        return lambda x: {"y": chain(x)}

    return model


def attention() -> Model:
    """Two einsums and an exact GELU."""
    import keras as keras3

    keras3.utils.set_random_seed(7)
    attend, dense = keras3.layers.MultiHeadAttention(2, 3), keras3.layers.Dense(4, "gelu")
    attend(np.zeros((1, *SHAPE)), np.zeros((1, *SHAPE)))
    dense(np.zeros((1, *SHAPE)))
    return lambda x: {"y": dense(attend(x, x))}


def mapped(x: Any) -> dict[str, Any]:
    """Elements that are no variable of the loop."""
    import tensorflow as tf

    return {"y": tf.map_fn(lambda row: tf.tanh(row) * tf.reduce_sum(row), x)}


def nested(x: Any) -> dict[str, Any]:
    """A loop in a loop; both fill lists."""
    import tensorflow as tf

    def of_rows(rows: Any) -> Any:
        return tf.map_fn(lambda row: tf.cumsum(row) * 2.0, rows) + 1.0

    return {"y": tf.map_fn(of_rows, x)}


def two_lists(x: Any) -> dict[str, Any]:
    """Elements of two types, one that is also a variable; a list that grows."""
    import tensorflow as tf

    def body(i: Any, state: Any, sums: Any, signs: Any) -> Any:
        state = tf.tanh(state + x[:, i])
        sums = sums.write(i, state)
        return i + 1, state, sums, signs.write(i, tf.cast(state > 0, tf.int32))

    lists = [tf.TensorArray(kind, 0, dynamic_size=True) for kind in (tf.float32, tf.int32)]
    _, state, sums, signs = tf.while_loop(
        lambda i, *_: i < SHAPE[0], body, (0, tf.zeros_like(x[:, 0]), *lists)
    )
    sums, signs = (tf.transpose(one.stack(), [1, 0, 2]) for one in (sums, signs))
    return {"state": state, "sums": sums, "signs": signs}


def odd_kernels(x: Any) -> dict[str, Any]:
    """What TF.js computes wrongly, or lacks: ``pipeline.export.tfjs_graph.mend``."""
    import tensorflow as tf

    turned = tf.constant(np.random.default_rng(8).normal(size=(2, 2, 2, 3, 2)).astype(np.float32))
    volume = tf.reshape(x, [-1, 3, 2, 2, 2])
    below = tf.linalg.band_part(x[:, :4] > 0, -1, 0)
    whole = tf.cast(x[:, 0] * 2, tf.int32)
    booleans = tf.reverse(x > 0, [1])[:, ::2]
    # As Keras 2 does it: each sample is a channel, with a mean of its own.
    ones = tf.ones_like(x[:, 0, 0])
    layer = tf.raw_ops.FusedBatchNormV3(
        x=tf.transpose(tf.reshape(x, [-1, 24]))[None, :, None],
        **{"scale": 2.0 * ones, "offset": ones, "epsilon": 1e-3},
        **{"mean": [], "variance": [], "is_training": True},
    )[0]
    return {
        "below": tf.cast(below, tf.float32),
        "booleans": tf.cast(booleans, tf.float32),
        "hot": tf.one_hot(whole, 3, 2.0, -1.0),
        "layer": tf.transpose(layer[0, :, 0]),
        "lowest": tf.nn.max_pool3d(-tf.abs(volume) - 1, 3, 2, "SAME"),
        "every_second": whole[:, ::2],
        "rolled": tf.roll(x, [2, -1], [1, 2]),
        "summed": tf.cumsum(x, -1, exclusive=True),
        "transposed": tf.nn.conv3d_transpose(volume, turned, [2, 6, 2, 2, 3], [2, 1, 1], "SAME"),
        "valid": tf.nn.conv3d_transpose(volume, turned, [2, 6, 4, 3, 3], [2, 2, 1], "VALID"),
        "within": tf.linalg.band_part(x, 1, 0),
    }


def branches(x: Any) -> dict[str, Any]:
    """Functions that give both outputs of one node, one by its name, and a constant."""
    import tensorflow as tf

    def largest() -> Any:
        values, order = tf.math.top_k(x, 2)
        return values, order, tf.gather(tf.constant([5.0, 6.0, 7.0, 8.0]), order), tf.constant(3.0)

    def first() -> Any:
        return x[..., :2], tf.zeros_like(x[..., :2], tf.int32), x[..., 2:], tf.constant(4.0)

    nothing = tf.reduce_sum(x * 0.0)
    outputs = [*tf.cond(nothing < 1.0, largest, first), *tf.cond(nothing > 1.0, largest, first)]
    named = {f"y{i}": output for i, output in enumerate(outputs) if i % 4 < 3}
    return named | {"scaled": outputs[3] * outputs[7] * x}


def spectrum(x: Any) -> dict[str, Any]:
    """A transform of which wasm has no complex numbers."""
    import tensorflow as tf

    return {"y": tf.abs(tf.signal.stft(tf.reshape(x, [-1, 24]), 12, 6, 16))}


MODELS: dict[str, Callable[[], Model]] = {
    "lstm": keras(lambda layers: [layers.LSTM(5)]),
    "lstm-sequences": keras(lambda layers: [layers.LSTM(5, return_sequences=True)]),
    "lstm-backwards": keras(lambda layers: [layers.LSTM(5, go_backwards=True)]),
    "gru": keras(lambda layers: [layers.GRU(5, return_sequences=True)]),
    "gru-before": keras(lambda layers: [layers.GRU(5, reset_after=False, activation="relu")]),
    "rnn": keras(lambda layers: [layers.SimpleRNN(5, return_sequences=True)]),
    "bidirectional": keras(
        lambda layers: [
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.Bidirectional(layers.SimpleRNN(3)),
        ]
    ),
    "grouped": keras(
        lambda layers: [
            layers.Reshape((*SHAPE, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.Conv2D(6, 3, groups=2, strides=2, padding="same"),
        ]
    ),
    "attention": attention,
    "mapped": lambda: mapped,
    "odd-kernels": lambda: odd_kernels,
    "nested": lambda: nested,
    "two-lists": lambda: two_lists,
    "branches": lambda: branches,
    "spectrum": lambda: spectrum,
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Frozen and converted models, each made once."""
    home = tmp_path_factory.mktemp("loops")

    def make(name: str) -> Path:
        from tensorflow.core.framework.graph_pb2 import GraphDef

        frozen = home / name / "frozen"
        if not frozen.exists():
            freeze(MODELS[name](), [TensorSpec("x", "float32", (None, *SHAPE))], frozen)
            written = frozen / "frozen.pb"
            graph_def = spread(GraphDef.FromString(written.read_bytes()))
            written.write_bytes(graph_def.SerializeToString(deterministic=True))
            tfjs_artifact(frozen, home / name)
        return home / name

    return make


#: Loops as those of ``lstm`` and ``bidirectional``, of other cells.
ALIKE = ("lstm-sequences", "lstm-backwards", "gru", "gru-before", "rnn")
#: What disposes of tensors is not the backend; kernels are tried with these.
PAIRS = [("tfjs-wasm", name) for name in MODELS if name not in ALIKE]
PAIRS += [nightly("tfjs-wasm", name) for name in ALIKE]
PAIRS += [("tfjs-cpu", "odd-kernels"), ("tfjs-webgl", "odd-kernels")]
PAIRS += [nightly("tfjs-webgl", name) for name in ("lstm", "nested", "attention")]
PAIRS += [nightly("tfjs-cpu", name) for name in ("lstm", "nested", "attention")]


@pytest.mark.parametrize(("backend", "name"), PAIRS)
def test_answers_as_tensorflow_does(
    artifacts: Callable[[str], Path], backend: str, name: str
) -> None:
    folder = artifacts(name)
    expected = run(folder / "frozen", FEEDS)
    with BACKENDS[backend].open_session(folder / "artifact", "chromium") as session:
        # Twice: what a list held of the first run is gone by the second.
        outputs = [session.infer(FEEDS) for _ in range(2)]
    for found in outputs:
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            np.testing.assert_allclose(found[key], values, atol=2e-5, rtol=1e-4)
