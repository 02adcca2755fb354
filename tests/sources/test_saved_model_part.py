"""A SavedModel loaded in part computes what it computes loaded whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly

from pipeline.sources.tensorflow.part import part
from pipeline.sources.tensorflow.safety import read_checked

ROWS = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def keras_model(library_name: str) -> Any:
    library = pytest.importorskip(library_name)
    layers = library.layers
    hidden = layers.Dense(5, activation="swish")  # its gradient is a function of its own
    network = library.Sequential([library.Input((4,)), hidden, layers.BatchNormalization()])
    network.add(layers.Dense(2))
    # An optimizer keeps variables for each of the model's, of tf_keras in a way of their own.
    optimizers = library.optimizers
    adam = optimizers.legacy.Adam() if library_name == "tf_keras" else optimizers.Adam()
    network.compile(adam, "mse")
    network.fit(ROWS, np.ones((3, 2), "float32"), verbose=0)
    return network


def save_keras_3(folder: Path) -> None:
    keras_model("keras").export(folder, verbose=False)


def save_tf_keras(folder: Path) -> None:
    keras_model("tf_keras").save(folder, save_format="tf")


def module(function: Any) -> Any:
    import tensorflow as tf

    made = tf.Module()
    made.unused = tf.Variable([7.0])
    # A list's items have numbers for names; only its last one is used.
    made.all = [tf.Variable(tf.eye(4) * scale) for scale in (1.0, 2.0, 3.0)]
    made.again = made.all[2]
    spec = tf.TensorSpec((None, 4), name="x")
    made.serve = tf.function(lambda x: {"y": function(made, x)}, input_signature=[spec])
    return made


def save_module(function: Any) -> Any:
    def save(folder: Path) -> None:
        import tensorflow as tf

        made = module(function)
        tf.saved_model.save(made, folder, signatures=made.serve)

    return save


def loop(made: Any, x: Any) -> Any:
    import tensorflow as tf

    def body(i: Any, y: Any) -> Any:
        return i + 1, tf.cond(i > 1, lambda: y @ made.again, lambda: y + made.all[0][0])

    return tf.while_loop(lambda i, y: i < 4, body, (tf.constant(0), x))[1]


def nested(made: Any, x: Any) -> Any:
    import tensorflow as tf

    large = tf.constant(np.arange(10_000, dtype="float32"))  # kept outside of the function
    made.inner = tf.function(lambda x: x @ made.all[2] + large[:4])
    return made.inner(x)


def table(made: Any, x: Any) -> Any:
    import tensorflow as tf

    given = tf.lookup.KeyValueTensorInitializer([0, 1, 2, 3], [5.0, 6.0, 7.0, 8.0], tf.int64)
    made.table = tf.lookup.StaticHashTable(given, 0.0)
    return x + made.table.lookup(tf.range(4, dtype=tf.int64))


def vocabulary(made: Any, x: Any) -> Any:
    import tensorflow as tf

    file = Path(tf.io.gfile.join(TEXTS[0], "words.txt"))
    file.write_text("a\nb\nc\nd\n")
    numbers = tf.lookup.TextFileInitializer(
        str(file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, -1
    )
    made.table = tf.lookup.StaticHashTable(numbers, 9)
    return x + tf.cast(made.table.lookup(tf.constant(["d", "c", "b", "e"])), tf.float32)


TEXTS: list[Path] = []

SAVERS = {
    "keras": save_keras_3,
    "tf_keras": save_tf_keras,
    **{f.__name__: save_module(f) for f in (loop, nested, table, vocabulary)},
}


def outputs(folder: Path) -> dict[str, Any]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures["serving_default"]
    (name,) = function.structured_input_signature[1]
    return {key: value.numpy() for key, value in function(**{name: tf.constant(ROWS)}).items()}


#: Nightly the other library's file of the same.
KINDS = [nightly(kind) if kind == "keras" else kind for kind in SAVERS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_outputs_from_less(kind: str, tmp_path: Path) -> None:
    TEXTS[:] = [tmp_path]
    folder = tmp_path / "saved"
    SAVERS[kind](folder)
    saved = read_checked(folder / "saved_model.pb", "serving_default", ["serve"])
    before = saved.ByteSize()
    with part(folder, saved, "serving_default") as needed:
        assert needed != folder
        found = outputs(needed)
    assert saved.ByteSize() < before
    assert not needed.exists()
    for name, values in outputs(folder).items():
        np.testing.assert_array_equal(found[name], values)


def test_functions_of_layers_are_left_out(tmp_path: Path) -> None:
    save_tf_keras(tmp_path)
    saved = read_checked(tmp_path / "saved_model.pb", "serving_default", ["serve"])
    (graph,) = saved.meta_graphs
    assert len(graph.graph_def.library.function) > 20
    assert any(node.slot_variables for node in graph.object_graph_def.nodes)
    with part(tmp_path, saved, "serving_default"):
        assert len(graph.graph_def.library.function) < 6
        assert not any(node.slot_variables for node in graph.object_graph_def.nodes)


def test_models_of_tensorflow_1_are_taken_whole(tmp_path: Path) -> None:
    import tensorflow as tf

    folder = tmp_path / "saved"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), "x")
        y = x @ tf.compat.v1.get_variable("w", initializer=tf.eye(4) * 2.0, use_resource=True)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(folder), {"x": x}, {"y": y})
    saved = read_checked(folder / "saved_model.pb", "serving_default", ["serve"])
    with part(folder, saved, "serving_default") as needed:
        assert needed == folder
    np.testing.assert_array_equal(outputs(folder)["y"], ROWS * 2)
