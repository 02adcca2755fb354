"""Makes ``fixtures/`` anew: artifacts and what TensorFlow says they return.

Run it from the repository's root: ``python tests/backends/web/make_fixtures.py``. It is the
only thing here that needs TensorFlow; the tests read what it wrote.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from onnx import TensorProto
from onnx.external_data_helper import set_external_data
from safetensors.numpy import save_file

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.base.options import NoOptions
from pipeline.export import tfjs_graph
from pipeline.export.tfjs_graph.packaging import PackageOptions
from pipeline.tensors.signature import Signature, TensorSpec

JAX = "tensorflowjs.converters.jax_conversion"
FIXTURES = Path(__file__).parent / "fixtures"
SHARD_BYTES = 1024

Arrays = dict[str, np.ndarray]


def main() -> None:
    shutil.rmtree(FIXTURES, ignore_errors=True)
    rng = np.random.default_rng(7)
    images = rng.normal(size=(18, 8, 8, 3)).astype("float32")
    frozen = make_graph("classifier", lambda: classifier(rng), {"image": images}, ["probabilities"])
    make_onnx("classifier_onnx", frozen)
    shifts = rng.integers(-3, 4, size=(3, 4)).astype("int32")
    both = {"image": images[:3], "shift": shifts}
    make_graph("three_outputs", three_outputs, both, ["zeta", "alpha", "middle"])
    values = {"values": rng.normal(size=(3, 6)).astype("float32")}
    make_graph("dynamic", dynamic, values, ["energy"])
    make_layers("layers", images[:3])


def classifier(rng: np.random.Generator) -> None:
    """A MobileNet block: convolution, depthwise, pointwise, pooling, softmax."""

    def weights(*shape: int) -> Any:
        return tf.constant(rng.normal(size=shape, scale=0.5).astype("float32"))

    x = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="image")
    x = tf.nn.relu6(tf.nn.conv2d(x, weights(3, 3, 3, 8), 2, "SAME") + weights(8))
    x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, weights(3, 3, 8, 1), [1, 1, 1, 1], "SAME"))
    x = tf.nn.relu6(tf.nn.conv2d(x, weights(1, 1, 8, 16), 1, "SAME") + weights(16))
    x = tf.matmul(tf.reduce_mean(x, [1, 2]), weights(16, 5)) + weights(5)
    tf.identity(tf.nn.softmax(x), name="probabilities")


def three_outputs() -> None:
    """Two inputs and three outputs of three dtypes, in no alphabetical order."""
    image = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="image")
    shift = tf.compat.v1.placeholder(tf.int32, [None, 4], name="shift")
    pooled = tf.reduce_mean(image, [1, 2])
    mixed = tf.matmul(pooled, tf.reshape(tf.range(12, dtype=tf.float32), [3, 4]))
    tf.identity(mixed - tf.cast(shift, tf.float32), name="zeta")
    tf.identity(shift * 1000 + 7, name="alpha")
    tf.identity(shift > 0, name="middle")


def dynamic() -> None:
    """A shape that depends on values, which TF.js runs only asynchronously; batch 1."""
    values = tf.compat.v1.placeholder(tf.float32, [1, 6], name="values")
    positive = tf.gather_nd(values, tf.where(values > 0))
    tf.identity(tf.reshape(tf.reduce_sum(positive * positive), [1, 1]), name="energy")


def make_graph(
    case: str, build: Callable[[], None], inputs: Arrays, outputs: list[str]
) -> tuple[Any, Signature]:
    """Build, run in TensorFlow, convert as the pipeline does; the frozen GraphDef."""
    with tf.Graph().as_default() as graph:
        build()
    results = [graph.get_tensor_by_name(f"{name}:0") for name in outputs]
    signature = Signature(
        tuple(spec(graph.get_tensor_by_name(f"{name}:0")) for name in inputs),
        tuple(spec(tensor) for tensor in results),
    )
    expected = run_graph(graph, inputs, results, int(signature.inputs[0].shape[0] or 0))
    write_data(FIXTURES / case, inputs, expected)
    with tempfile.TemporaryDirectory() as temporary:
        frozen, model = Path(temporary, "frozen"), Path(temporary, "model")
        frozen.mkdir(), model.mkdir()
        (frozen / "frozen.pb").write_bytes(graph.as_graph_def().SerializeToString())
        signature.write(frozen)
        tfjs_graph.convert({"frozen": frozen}, NoOptions(), model)
        options = PackageOptions(format="tfjs-graph", variant="fp32", shard_bytes=SHARD_BYTES)
        (FIXTURES / case / "artifact").mkdir()
        tfjs_graph.package({"model": model}, options, FIXTURES / case / "artifact")
    return graph.as_graph_def(), signature


def run_graph(graph: Any, inputs: Arrays, results: list[Any], batch: int) -> Arrays:
    count = len(next(iter(inputs.values())))
    step = batch or count
    parts = []
    with tf.compat.v1.Session(graph=graph) as session:
        for start in range(0, count, step):
            feeds = {f"{name}:0": array[start : start + step] for name, array in inputs.items()}
            parts.append(session.run({tensor.op.name: tensor for tensor in results}, feeds))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def make_onnx(case: str, frozen: tuple[Any, Signature]) -> None:
    """The classifier with its float weights in one external file beside the model."""
    import tf2onnx

    graph_def, signature = frozen
    model, _ = tf2onnx.convert.from_graph_def(
        graph_def,
        input_names=[f"{item.name}:0" for item in signature.inputs],
        output_names=[f"{item.name}:0" for item in signature.outputs],
        opset=17,
    )
    rename(model)
    folder = FIXTURES / case / "artifact"
    folder.mkdir(parents=True)
    writer = ArtifactWriter(folder, "onnx", "fp32", signature)
    # Shape inference reads axes and shapes: those must stay within the model.
    weights = [item for item in model.graph.initializer if item.data_type == TensorProto.FLOAT]
    data = b"".join(tensor.raw_data for tensor in weights)
    location, offset = writer.add_file(data, "bin"), 0
    for tensor in weights:
        length = len(tensor.raw_data)
        set_external_data(tensor, location, offset, length)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        offset += length
    writer.finish(writer.add_file(model.SerializeToString(deterministic=True), "onnx"))


def rename(model: Any) -> None:
    """Drop the ``:0`` that tf2onnx leaves on inputs and outputs."""
    public = {value.name for value in (*model.graph.input, *model.graph.output)}

    def short(name: str) -> str:
        return name.removesuffix(":0") if name in public else name

    for value in (*model.graph.input, *model.graph.output):
        value.name = short(value.name)
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [short(name) for name in names]


def make_layers(case: str, images: np.ndarray) -> None:
    """A Keras model that TF.js loads as layers."""
    tf_keras.utils.set_random_seed(7)
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input((8, 8, 3), name="image"),
            tf_keras.layers.Conv2D(4, 3, activation="relu", bias_initializer="uniform"),
            tf_keras.layers.Flatten(),
            tf_keras.layers.Dense(5, name="scores"),
        ]
    )
    inputs = {"image": images}
    write_data(FIXTURES / case, inputs, {"scores": model.predict(images, verbose=0)})
    signature = Signature(
        (TensorSpec("image", "float32", (None, 8, 8, 3)),),
        (TensorSpec("scores", "float32", (None, 5)),),
    )
    # What tensorflowjs.converters imports and this script does not use.
    absent = ("tensorflow_decision_forests", "tensorflow_hub", JAX)
    sys.modules.update({name: ModuleType(name) for name in absent})
    sys.modules[JAX].convert_jax = None  # type: ignore[attr-defined]
    from tensorflowjs.converters import save_keras_model

    folder = FIXTURES / case / "artifact"
    folder.mkdir()
    writer = ArtifactWriter(folder, "tfjs-layers", "fp32", signature)
    with tempfile.TemporaryDirectory() as temporary:
        save_keras_model(model, temporary, weight_shard_size_bytes=SHARD_BYTES)
        description = json.loads(Path(temporary, "model.json").read_text())
        for group in description["weightsManifest"]:
            group["paths"] = [
                writer.add_file(Path(temporary, path).read_bytes(), "bin")
                for path in group["paths"]
            ]
    content = json.dumps(description, sort_keys=True, separators=(",", ":")).encode()
    writer.finish(writer.add_file(content, "json"))


def spec(tensor: Any) -> TensorSpec:
    return TensorSpec(tensor.op.name, tensor.dtype.name, tuple(tensor.shape.as_list()))


def write_data(folder: Path, inputs: Arrays, outputs: Arrays) -> None:
    folder.mkdir(parents=True)
    save_file(inputs, folder / "inputs.safetensors")
    save_file(outputs, folder / "outputs.safetensors")


if __name__ == "__main__":
    main()
