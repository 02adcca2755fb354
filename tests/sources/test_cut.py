from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import NoOptions
from pipeline.export import freeze, operators
from pipeline.sources import cut, frozen_graph, keras_file, saved_model
from pipeline.sources.load import load
from pipeline.validate import golden

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(0, 1, (4, 3)).astype(np.float32)
X = RANDOM.normal(0, 1, (5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Dense layers and boxes that no format holds, and dropout by an input ``training``."""
    import tensorflow as tf

    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(KERNEL)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 4], name="x"),
                tf.TensorSpec([], tf.bool, name="training"),
                tf.TensorSpec([], name="gain"),
            ]
        )
        def __call__(self, x, training, gain):
            with tf.name_scope("dense"):
                hidden = tf.nn.relu(x @ self.kernel, name="act") * gain
            dropped = tf.cond(training, lambda: tf.nn.dropout(hidden, 0.5), lambda: hidden * 1.0)
            texts = tf.strings.as_string(tf.nn.softmax(dropped, name="probs"))
            return {"texts": texts, "largest": tf.reduce_max(dropped)}

    folder = tmp_path_factory.mktemp("model")
    model = Model()
    tf.saved_model.save(model, str(folder / "saved"), signatures=model.__call__)
    (folder / "source").mkdir()
    details = {"signature": "serving_default", "tags": ["serve"]}
    saved_model.write_source(folder / "saved", folder / "source", **details)
    return folder / "source"


def cut_at(source, work, outputs=None, **fixed):
    work.mkdir(exist_ok=True)
    cut.cut({"source": source}, cut.CutOptions(outputs=outputs, fixed=fixed), work)
    return work


def answers(source, **inputs):
    return golden.run(load(source), inputs)


def right(gain=1.0):
    return np.maximum(X @ KERNEL, 0) * gain


def test_what_is_behind_a_cut_falls_away(saved, tmp_path):
    source = cut_at(saved, tmp_path / "cut", ["probs"], training=False, gain=2)
    loaded = load(source)
    assert [spec.name for spec in loaded.signature.inputs] == ["x"]
    assert loaded.keras is None
    logits = np.exp(right(2) - right(2).max(axis=1, keepdims=True))
    probs = logits / logits.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers(source, x=X)["probs"], probs, atol=1e-6)
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    freeze.freeze({"source": source}, NoOptions(), frozen)
    np.testing.assert_allclose(freeze.run(frozen, {"x": X})["probs"], probs, atol=1e-6)
    options = operators.CheckOptions(formats=["tfjs-graph", "onnx"])
    operators.check({"frozen": frozen}, options, tmp_path)
    counted = json.loads((tmp_path / "operators.json").read_text())
    assert not {"If", "StatelessIf", "AsString"} & counted.keys()


@pytest.mark.parametrize("call", ["", "StatefulPartitionedCall/"])
@pytest.mark.parametrize("port", ["", ":0"])
def test_a_node_is_named_with_or_without_the_call_around_it(saved, tmp_path, call, port):
    source = cut_at(saved, tmp_path / "cut", {"hidden": f"{call}dense/act{port}"})
    np.testing.assert_allclose(answers(source, x=X)["hidden"], right(), atol=1e-6)
    # The others are not needed any more.
    assert [spec.name for spec in load(source).signature.inputs] == ["x"]


def test_a_layer_means_what_it_gives(saved, tmp_path):
    source = cut_at(saved, tmp_path / "cut", ["dense"])
    given = answers(source, x=X, gain=np.full(5, 3, np.float32))
    np.testing.assert_allclose(given["dense"], right(3), atol=1e-5)


def test_scalars_go_in_and_come_out(saved, tmp_path):
    source = cut_at(saved, tmp_path / "cut", ["largest"], training=False)
    shapes = {spec.name: spec.shape for spec in load(source).signature.inputs}
    assert shapes == {"x": (None, 4), "gain": ()}
    given = answers(source, x=X, gain=np.arange(5, dtype=np.float32))
    np.testing.assert_allclose(given["largest"], right().max(axis=1) * np.arange(5), atol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "fixed", "what"),
    [
        (["prob"], {}, "has no output, node or layer 'prob'; names like it are .*probs"),
        (["dense/act:4"], {}, "'.*dense/act' has no output 4"),
        (None, {"trainin": False}, "no input 'trainin'; its inputs are gain, training, x"),
        (None, {"gain": [1, 2]}, r"\[1, 2\] does not fit the input 'gain', which is float32 of"),
        (None, {"gain": 1, "training": False, "x": 0}, "every input would have a fixed value"),
    ],
)
def test_what_cannot_be_cut_is_told(saved, tmp_path, outputs, fixed, what):
    source = cut_at(saved, tmp_path / "cut", outputs, **fixed)
    with pytest.raises(SourceError, match=what) as caught:
        load(source)
    assert caught.value.todo


def graph_of_tensorflow_1(path, *, v2):
    """A placeholder ``is_training`` that chooses between batch norms, and a default."""
    import tensorflow as tf

    v1 = tf.compat.v1
    (v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2)()
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="input")
        training = v1.placeholder(tf.bool, [], name="is_training")
        gain = v1.placeholder_with_default(2.0, [], name="gain")
        scaled = tf.identity(x * gain, name="scaled")
        hidden = v1.cond(
            training,
            lambda: scaled - tf.reduce_mean(scaled, 0),
            lambda: v1.cond(training, lambda: scaled * 7.0, lambda: scaled + 1.0),
        )
        tf.matmul(hidden, tf.constant(KERNEL), name="logits")
    v1.enable_control_flow_v2()
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def pulled(file, work, **options):
    work.mkdir()
    frozen_graph.pull({"path": file}, frozen_graph.Options(path=file, **options), work)
    return work


@pytest.mark.parametrize("v2", [False, True])
def test_a_frozen_graphs_conditions_are_folded(tmp_path, v2):
    file = graph_of_tensorflow_1(tmp_path / "model.pb", v2=v2)
    source = cut_at(pulled(file, tmp_path / "source"), tmp_path / "cut", is_training=False)
    wanted = (X * 2 + 1) @ KERNEL
    np.testing.assert_allclose(answers(source, input=X)["logits"], wanted, atol=1e-5)
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    freeze.freeze({"source": source}, NoOptions(), frozen)
    np.testing.assert_allclose(freeze.run(frozen, {"input": X})["logits"], wanted, atol=1e-5)
    operators.check({"frozen": frozen}, operators.CheckOptions(formats=["tfjs-graph"]), tmp_path)
    counted = json.loads((tmp_path / "operators.json").read_text())
    assert set(counted) - {"Placeholder", "Identity"} == {"Mul", "AddV2", "MatMul"}


def test_a_frozen_graphs_other_branch_is_there(tmp_path):
    file = graph_of_tensorflow_1(tmp_path / "model.pb", v2=False)
    source = cut_at(pulled(file, tmp_path / "source"), tmp_path / "cut", is_training=True)
    wanted = (X * 2 - (X * 2).mean(axis=0)) @ KERNEL
    np.testing.assert_allclose(answers(source, input=X)["logits"], wanted, atol=1e-5)


def test_loops_of_tensorflow_1_run_to_their_end(tmp_path):
    """As TensorFlow 1 writes them, with what is stateful only inside of them."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    @tf.function(input_signature=[tf.TensorSpec([2, 4], name="x")])
    def model(x):
        return tf.identity(tf.map_fn(lambda row: tf.cumsum(row) * 2.0, x), name="y")

    frozen = convert_variables_to_constants_v2(model.get_concrete_function())
    graph_def = frozen.graph.as_graph_def()
    assert any(node.op == "Enter" for node in graph_def.node)
    file = tmp_path / "loop.pb"
    file.write_bytes(graph_def.SerializeToString())
    outputs = answers(pulled(file, tmp_path / "source"), x=X[:2])
    (values,) = outputs.values()
    np.testing.assert_allclose(values, np.cumsum(X[:2], axis=1) * 2, atol=1e-6)


def test_a_frozen_graph_takes_what_is_fed(tmp_path):
    file = graph_of_tensorflow_1(tmp_path / "model.pb", v2=False)
    folder = pulled(file, tmp_path / "source", feeds=["scaled:0", "is_training"])
    assert [spec.name for spec in load(folder).signature.inputs] == ["scaled", "is_training"]
    assert SourceFolder(folder).facts is None
    source = cut_at(folder, tmp_path / "cut", is_training=False)
    np.testing.assert_allclose(answers(source, scaled=X)["logits"], (X + 1) @ KERNEL, atol=1e-5)


def test_a_graph_that_is_not_frozen_is_told(tmp_path):
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.compat.v1.get_variable("weights", [3], use_resource=False)
    file = tmp_path / "model.pb"
    file.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(SourceError, match="not frozen: it has 1 variables, such as weights"):
        load(pulled(file, tmp_path / "source"))
    file.write_bytes(b"no graph")
    with pytest.raises(SourceError, match="holds no nodes that can be read"):
        load(pulled(file, tmp_path / "other"))


FUNCTION = """
signature {
  name: "twice" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT }
}
node_def { name: "sum" op: "%s" input: "x" %s }
ret { key: "y" value: "%s" }
"""


def graph_of_a_function(path, *body):
    """A graph whose one operator is a function of its own, as TensorFlow 1's ``Defun`` wrote."""
    from google.protobuf import text_format
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef(versions={"producer": 2000})
    text_format.Parse(FUNCTION % body, graph.library.function.add())
    placeholder = graph.node.add(name="x", op="Placeholder")
    placeholder.attr["dtype"].type = 1
    placeholder.attr["shape"].shape.dim.add(size=-1)
    graph.node.add(name="y", op="twice", input=["x"])
    path.write_bytes(graph.SerializeToString())
    return path


def test_an_operator_that_is_the_graphs_own_function_is_named(tmp_path):
    kind = 'input: "x" attr { key: "T" value { type: DT_FLOAT } }'
    file = graph_of_a_function(tmp_path / "model.pb", "AddV2", kind, "sum:z:0")
    with pytest.raises(SourceError, match="'y' is a function of the graph's own, 'twice'"):
        load(pulled(file, tmp_path / "source"))


def test_a_function_that_calls_itself_is_refused(tmp_path):
    file = graph_of_a_function(tmp_path / "model.pb", "twice", "", "sum:y:0")
    with pytest.raises(SourceError, match="the function 'twice' of this graph calls itself"):
        load(pulled(file, tmp_path / "source"))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_keras_model_is_cut_at_layers(tmp_path, library):
    import importlib

    keras = importlib.import_module(library)
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    features = layers.Conv2D(4, 3, activation="relu", name="features")(image)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    model = keras.Model(image, layers.Dense(2, name="head")(pooled))
    part = keras.Model(image, [model.get_layer(name).output for name in ("features", "pooled")])
    model.save(tmp_path / "model.keras")
    (tmp_path / "source").mkdir()
    keras_file.write_source(tmp_path / "model.keras", tmp_path / "source")
    source = cut_at(tmp_path / "source", tmp_path / "cut", ["features", "pooled"])
    images = RANDOM.normal(0, 1, (2, 8, 8, 3)).astype(np.float32)
    given = answers(source, image=images)
    for name, wanted in zip(("features", "pooled"), part.predict(images, verbose=0), strict=True):
        np.testing.assert_allclose(given[name], wanted, atol=1e-6)
