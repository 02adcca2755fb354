"""Frozen graphs carry the public names, compute what the source does, and are always equal."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.export import freeze
from pipeline.sources import keras_file, saved_model
from pipeline.tensors.signature import Signature


def source_of(path: Path, folder: Path) -> Path:
    folder.mkdir()
    if path.is_dir():
        saved_model.pull({"path": path}, saved_model.Options(path=path), folder)
    else:
        keras_file.pull({"path": path}, keras_file.Options(path=path), folder)
    return folder


def frozen(path: Path, folder: Path) -> Path:
    source = source_of(path, folder)
    result = folder / "frozen"
    result.mkdir()
    freeze.freeze({"source": source}, NoOptions(), result)
    return result


def nodes(folder: Path) -> dict[str, Any]:
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef.FromString((folder / "frozen.pb").read_bytes())
    return {node.name: node for node in graph.node}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model of every kind: both Kerases, recurrent loops, and a SavedModel with a loop."""
    import keras
    import tensorflow as tf
    import tf_keras

    folder = tmp_path_factory.mktemp("models")
    for library in (keras, tf_keras):
        layers, name = library.layers, library.__name__
        image = library.Input((6, 6, 3), name="image")
        x = layers.DepthwiseConv2D(3)(layers.Conv2D(4, 3)(image))
        x = layers.Flatten()(layers.BatchNormalization()(x))
        out = layers.Dense(3, activation="softmax", name="classes")(x)
        shaped = layers.Reshape((1, 3))(out)
        library.Model(image, [out, shaped]).save(folder / f"cnn-{name}.keras")
        steps = library.Input((5, 3), name="steps")
        x = layers.LSTM(4, return_sequences=True)(steps)
        library.Model(steps, layers.GRU(2)(x)).save(folder / f"rnn-{name}.keras")
    module = awkward()
    tf.saved_model.save(module, folder / "saved", signatures=module.serve)
    return folder


def awkward() -> Any:
    """Outputs that are an input, the same tensor twice, or named like a node inside."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable([[0.5, 0.1], [0.2, 0.3]])

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, 2), name="x"),
                tf.TensorSpec((), tf.int32, name="times"),
                tf.TensorSpec((None, 1), name="unused"),
            ]
        )
        def serve(self, x: Any, times: Any, unused: Any) -> dict[str, Any]:
            y = x
            for _ in tf.range(times):
                y = tf.tanh(y @ self.weight)
            product = tf.matmul(y, self.weight)
            same = tf.nn.softmax(product)
            across = tf.nn.softmax(product, axis=0)
            return {"MatMul": same, "same": same, "passed": x, "across": across}

    return Module()


def test_awkward_names(models: Path, tmp_path: Path) -> None:
    folder = frozen(models / "saved", tmp_path / "s")
    signature = Signature.read(folder)
    assert [spec.name for spec in signature.inputs] == ["times", "unused", "x"]
    assert [(spec.name, spec.softmax) for spec in signature.outputs] == [
        ("MatMul", True),
        ("across", False),
        ("passed", False),
        ("same", True),
    ]
    found = nodes(folder)
    assert {found[spec.name].op for spec in signature.inputs} == {"Placeholder"}
    assert {found[spec.name].op for spec in signature.outputs} == {"Identity"}
    x = np.array([[1, 2], [3, 4]], "float32")
    given = {"x": x, "times": np.int32(2), "unused": np.zeros((2, 1), "float32")}
    results = freeze.run(folder, given)
    weight = np.array([[0.5, 0.1], [0.2, 0.3]])
    y = np.tanh(np.tanh(x @ weight) @ weight) @ weight
    expected = np.exp(y) / np.exp(y).sum(1, keepdims=True)
    np.testing.assert_allclose(results["MatMul"], expected, atol=1e-6)
    np.testing.assert_array_equal(results["MatMul"], results["same"])
    np.testing.assert_array_equal(results["passed"], x)
    assert json.loads((folder / "facts.json").read_text()) == {"parameters": 4}


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_keras_models(library: str, models: Path, tmp_path: Path) -> None:
    loaded = pytest.importorskip(library).models.load_model(models / f"cnn-{library}.keras")
    folder = frozen(models / f"cnn-{library}.keras", tmp_path / "s")
    signature = Signature.read(folder)
    assert [spec.name for spec in signature.inputs] == ["image"]
    assert signature.outputs[0].name == "classes"
    assert [spec.softmax for spec in signature.outputs] == [True, True]
    image = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    results = freeze.run(folder, {"image": image})
    expected = loaded.predict(image, verbose=0)
    np.testing.assert_allclose(results["classes"], expected[0], atol=1e-6)
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["parameters"] == loaded.count_params()
    leftovers = {"VarHandleOp", "ReadVariableOp", "PartitionedCall", "StatefulPartitionedCall"}
    assert not leftovers & {node.op for node in nodes(folder).values()}
    for node in nodes(folder).values():
        assert not [key for key in node.attr if key.startswith("_")], node.name
        assert not node.device
    assert any("DepthwiseConv2dNative" in node.op for node in nodes(folder).values())


_FREEZE_ALL = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1])))
from test_freeze import digest, frozen
work = Path(sys.argv[2])
for index, path in enumerate(sys.argv[3:]):
    print("DIGEST", Path(path).name, digest(frozen(Path(path), work / str(index))))
"""


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest()


def digests(paths: list[Path], work: Path) -> dict[str, str]:
    work.mkdir()
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _FREEZE_ALL, Path(__file__).parent, work, *paths],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("DIGEST")]
    return {name: sha256 for _, name, sha256 in lines}


@pytest.mark.parametrize(
    "names",
    [
        ("cnn-tf_keras.keras", "rnn-keras.keras", "saved"),
        pytest.param(
            ("cnn-keras.keras", "cnn-tf_keras.keras", "rnn-keras.keras", "rnn-tf_keras.keras"),
            marks=pytest.mark.nightly,
        ),
    ],
    ids=len,
)
def test_same_bytes_in_any_process_and_after_any_other_model(
    names: tuple[str, ...], models: Path, tmp_path: Path
) -> None:
    paths = [models / name for name in names]
    here = {path.name: digest(frozen(path, tmp_path / path.name)) for path in paths[::-1]}
    assert digests(paths, tmp_path / "there") == here


def test_tables_of_words_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    values = tf.lookup.KeyValueTensorInitializer(["a", "b"], [3.0, 4.0], tf.string, tf.float32)
    module.table = tf.lookup.StaticHashTable(values, 0.0)
    module.f = tf.function(
        lambda x: {"y": module.table.lookup(x)},
        input_signature=[tf.TensorSpec((None,), tf.string, name="x")],
    )
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.f)
    with pytest.raises(PipelineError) as error:
        frozen(tmp_path / "saved", tmp_path / "s")
    assert "keeps state that cannot become a constant (LookupTableFindV2 at" in str(error.value)
    assert "export what comes behind the table as a model of its own" in str(error.value)
