"""One small model as a file of every kind that a source may be."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

#: What the mutations begin with.
Files = Mapping[str, bytes]

RANDOM = np.random.default_rng(0)
SHAPE = (8, 8, 3)


def write_models(folder: Path) -> dict[str, bytes]:
    """The bytes of a model's file, by kind; TensorFlow and its converter make most of them."""
    folder.mkdir(parents=True, exist_ok=True)
    model = _keras()
    model.save(folder / "m.h5")
    model.save(folder / "m.keras")
    model.export(str(folder / "saved"))
    with zipfile.ZipFile(folder / "saved.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in (folder / "saved").rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder))
    with tarfile.open(folder / "saved.tar.gz", "w:gz") as packed:
        packed.add(folder / "saved", "saved")
    return {
        "h5": (folder / "m.h5").read_bytes(),
        "keras": (folder / "m.keras").read_bytes(),
        "saved_model.zip": (folder / "saved.zip").read_bytes(),
        "saved_model.tar.gz": (folder / "saved.tar.gz").read_bytes(),
        "pb": _frozen(model),
        "tflite": _tflite(),
        "onnx": _onnx(),
        "tfjs.zip": _tfjs(folder),
    }


def _keras() -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input(SHAPE, name="image")
    x = tf_keras.layers.Conv2D(4, 3, strides=2, activation="relu")(image)
    x = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.BatchNormalization()(x))
    return tf_keras.Model(image, tf_keras.layers.Dense(3, activation="softmax", name="y")(x))


def _frozen(model: Any) -> bytes:
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    function = tf.function(lambda image: tf.identity(model(image), "y")).get_concrete_function(
        tf.TensorSpec([None, *SHAPE], tf.float32, "image")
    )
    frozen = convert_to_constants.convert_variables_to_constants_v2(function)
    content: bytes = frozen.graph.as_graph_def().SerializeToString()
    return content


def _tflite() -> bytes:
    import tensorflow as tf
    from tflite_models import convert

    kernel, dense = (RANDOM.normal(0, 1, shape).astype("f4") for shape in ((3, 3, 3, 8), (8, 4)))

    def run(x: Any) -> dict[str, Any]:
        features = tf.nn.relu6(tf.nn.conv2d(x, kernel, 2, "SAME"))
        pooled = tf.reduce_mean(tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]]), [1, 2])
        return {"y": tf.nn.softmax(tf.reshape(pooled, [-1, 8]) @ dense)}

    return convert(run, {"x": [None, *SHAPE]}, "float16")


def _onnx() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    kernel, dense = (RANDOM.normal(0, 1, shape).astype("f4") for shape in ((4, 3, 3, 3), (4, 3)))
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["e"]),
        helper.make_node("Softmax", ["e"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(dense, "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = made.SerializeToString()
    return content


def _tfjs(folder: Path) -> bytes:
    from source_models import source_of

    from pipeline.artifacts.artifact import ArtifactFolder
    from pipeline.base.options import NoOptions
    from pipeline.export import freeze, tfjs_graph
    from pipeline.export.tfjs_graph.packaging import PackageOptions, package

    def made(name: str, make: Callable[[Path], Any]) -> Path:
        (folder / name).mkdir()
        make(folder / name)
        return folder / name

    source = source_of(folder / "m.h5", folder / "source")
    frozen = made("frozen", lambda to: freeze.freeze({"source": source}, NoOptions(), to))
    convert = tfjs_graph.FORMAT.convert
    graph = made("tfjs", lambda to: convert({"frozen": frozen}, NoOptions(), to))
    options = PackageOptions(format="tfjs-graph", variant="fp32", shard_bytes=2**20, codec=None)
    entry = ArtifactFolder(
        made("artifact", lambda to: package({"model": graph}, options, to))
    ).entry
    with zipfile.ZipFile(folder / "tfjs.zip", "w") as archive:
        archive.write(entry, "model.json")
        for path in json.loads(entry.read_text())["weightsManifest"][0]["paths"]:
            archive.write(entry.parent / path, path)
    return (folder / "tfjs.zip").read_bytes()
