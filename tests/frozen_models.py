"""Small frozen models, made by TensorFlow itself, and what TensorFlow computes with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.tensors.signature import Signature, TensorSpec

Array = np.ndarray[Any, Any]


def freeze(
    function: Callable[..., Mapping[str, Any]], inputs: list[TensorSpec], folder: Path
) -> Path:
    """Write a FROZEN folder: inputs and outputs are nodes with their public names."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    def named(*tensors: Any) -> dict[str, Any]:
        return {name: tf.identity(v, name=name) for name, v in function(*tensors).items()}

    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=spec.name) for spec in inputs]
    concrete = tf.function(named, input_signature=specs).get_concrete_function()
    outputs = tuple(
        TensorSpec(name, value.dtype.name, tuple(value.shape.as_list()))
        for name, value in concrete.structured_outputs.items()
    )
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    folder.mkdir(parents=True)
    content = frozen.graph.as_graph_def().SerializeToString(deterministic=True)
    (folder / "frozen.pb").write_bytes(content)
    Signature(tuple(inputs), outputs).write(folder)
    return folder


def run(folder: Path, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """What TensorFlow computes."""
    import tensorflow as tf

    signature = Signature.read(folder)
    graph_def = tf.compat.v1.GraphDef.FromString((folder / "frozen.pb").read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(
                {spec.name: f"{spec.name}:0" for spec in signature.outputs},
                {f"{name}:0": value for name, value in feeds.items()},
            )


def tfjs_artifact(frozen: Path, folder: Path) -> tuple[Path, Path]:
    """Convert a frozen folder to a TF.js graph: the CONVERTED folder and the ARTIFACT, both new."""
    from pipeline.base.options import NoOptions
    from pipeline.export import tfjs_graph

    converted, artifact = folder / "converted", folder / "artifact"
    for made in (converted, artifact):
        made.mkdir()
    tfjs_graph.convert({"frozen": frozen}, NoOptions(), converted)
    options = tfjs_graph.package.options_type(
        format="tfjs-graph", variant="fp32", shard_bytes=2**22
    )
    tfjs_graph.package({"model": converted}, options, artifact)
    return converted, artifact


def onnx_artifact(frozen: Path, folder: Path, codec: str | None = None) -> tuple[Path, Path]:
    """The same to ONNX."""
    from pipeline.export import onnx

    converted, artifact = folder / "onnx", folder / "onnx-artifact"
    for made in (converted, artifact):
        made.mkdir(parents=True)
    onnx.convert({"frozen": frozen}, onnx.ConvertOptions(), converted)
    onnx.package({"model": converted}, onnx.PackageOptions(variant="fp32", codec=codec), artifact)
    return converted, artifact


def mobilenet(folder: Path) -> Path:
    """A padded convolution and two depthwise blocks, batch norms as Keras 3 writes them."""
    import tensorflow as tf

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return tf.constant(random.normal(0, 0.5, shape).astype(np.float32))

    def norm(x: Any) -> Any:
        channels = x.shape[-1]
        variance = tf.constant(random.uniform(0.5, 2, channels).astype(np.float32))
        moments = [weight(channels) for _ in range(3)]
        return tf.nn.relu6(tf.nn.batch_normalization(x, moments[0], variance, *moments[1:], 1e-3))

    def model(image: Any) -> dict[str, Any]:
        x = tf.pad(image, [[0, 0], [0, 1], [0, 1], [0, 0]])
        x = norm(tf.nn.conv2d(x, weight(3, 3, 3, 8), 2, "VALID"))
        for channels in (16, 32):
            inner = x.shape[-1]
            x = norm(tf.nn.depthwise_conv2d(x, weight(3, 3, inner, 1), [1, 1, 1, 1], "SAME"))
            x = norm(tf.nn.conv2d(x, weight(1, 1, inner, channels), 1, "SAME"))
        x = tf.reduce_mean(x, [1, 2], keepdims=True)
        logits = tf.nn.conv2d(x, weight(1, 1, 32, 10), 1, "SAME")
        return {"probabilities": tf.nn.softmax(tf.reshape(logits, [-1, 10]))}

    return freeze(model, [TensorSpec("image", "float32", (None, 16, 16, 3))], folder)


def several(folder: Path) -> Path:
    """Two inputs, three outputs of three dtypes, a branch and a loop."""
    import tensorflow as tf

    random = np.random.default_rng(1)
    table = tf.constant(random.normal(0, 1, (20, 8)).astype(np.float32))
    square = tf.constant(random.normal(0, 0.3, (8, 8)).astype(np.float32))

    def model(tokens: Any, bias: Any) -> dict[str, Any]:
        x = tf.gather(table, tokens)
        x = tf.cond(tf.reduce_sum(bias) > 0, lambda: x @ square, lambda: tf.tanh(x))
        _, looped = tf.while_loop(
            lambda i, _: i < 3, lambda i, v: (i + 1, tf.tanh(v @ square + bias)), (0, x)
        )
        return {
            "states": looped,
            "best": tf.argmax(looped, -1),
            "positive": tf.reduce_all(looped > 0, -1),
        }

    inputs = [TensorSpec("tokens", "int32", (None, 5)), TensorSpec("bias", "float32", (8,))]
    return freeze(model, inputs, folder)


def convert_all(folder: Path) -> None:
    """Convert every frozen folder in ``folder/frozen`` to ONNX in ``folder/<our argument>``."""
    from pipeline.export import onnx

    for frozen in sorted((folder / "frozen").iterdir()):
        work = folder / sys.argv[2] / frozen.name
        work.mkdir(parents=True)
        onnx.convert({"frozen": frozen}, onnx.ConvertOptions(), work)


if __name__ == "__main__":
    convert_all(Path(sys.argv[1]))
