"""Small models frozen, converted and packaged as a build does it, and faults to plant in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from pipeline.bisect.find import RESULT, FindOptions, find
from pipeline.bisect.source import TraceOptions, trace
from pipeline.export import onnx as onnx_format
from pipeline.export import tfjs_graph
from pipeline.export.tfjs_graph import packaging
from pipeline.graphs import origins
from pipeline.graphs.tensorflow.canonical_graph import RawGraph, canonical
from pipeline.tensors.signature import Signature, TensorSpec

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]


def branches(folder: Path) -> Path:
    """A stem, two branches added and concatenated, a batch norm that cannot be folded."""
    import tensorflow as tf

    weight = _weights(0)

    def model(image: Any) -> Any:
        stem = tf.nn.conv2d(image, weight(3, 3, 3, 8), 2, "SAME", name="stem/conv")
        stem = tf.nn.relu(tf.nn.bias_add(stem, weight(8)), name="stem/relu")
        left = tf.nn.conv2d(stem, weight(3, 3, 8, 8), 1, "SAME", name="left/conv")
        left = tf.nn.relu6(tf.nn.bias_add(left, weight(8)), name="left/relu6")
        right = tf.nn.max_pool2d(stem, 3, 1, "SAME", name="right/pool")
        right = tf.nn.depthwise_conv2d(right, weight(3, 3, 8, 1), [1] * 4, "SAME", name="right/dw")
        right = tf.nn.relu(tf.nn.bias_add(right, weight(8)), name="right/relu")
        added = tf.add(stem, left, name="residual")
        joined = tf.concat([added, right], -1, name="joined")
        ones, zeros = tf.ones(16), tf.zeros(16)
        normal, *_ = tf.compat.v1.nn.fused_batch_norm(
            joined, ones, zeros, weight(16), weight(16) ** 2 + 0.1, 1e-3, is_training=False
        )
        less = tf.subtract(tf.nn.sigmoid(normal, name="gate"), joined, name="less")
        pooled = tf.reduce_mean(less, [1, 2], name="pooled")
        return tf.nn.softmax(tf.add(pooled @ weight(16, 5), weight(5), name="logits"), name="soft")

    return freeze(model, TensorSpec("image", "float32", (None, 12, 12, 3)), (None, 5), folder)


def swish(folder: Path) -> Path:
    """Convolutions around a hard-swish in each of the spellings that Keras has had."""
    import tensorflow as tf

    weight = _weights(2)

    def model(image: Any) -> Any:
        x = tf.nn.conv2d(image, weight(3, 3, 3, 8), 1, "SAME", name="one/conv")
        x = tf.nn.bias_add(x, weight(8), name="one/bias")
        x = tf.multiply(x, tf.nn.relu6(x + 3.0) / 6.0, name="fused")
        x = tf.nn.conv2d(x, weight(3, 3, 8, 8), 1, "SAME", name="two/conv")
        x = tf.divide(x * tf.nn.relu6(x + 3.0), 6.0, name="moved")
        x = tf.nn.conv2d(x, weight(3, 3, 8, 8), 1, "SAME", name="three/conv")
        pooled = tf.reduce_mean(tf.nn.relu(x) ** 2, [1, 2], name="pooled")
        return tf.matmul(pooled, weight(8, 5), name="scores")

    return freeze(model, TensorSpec("image", "float32", (None, 12, 12, 3)), (None, 5), folder)


def normed(folder: Path) -> Path:
    """A batch norm in the two nodes that Keras 3 writes for it."""
    import tensorflow as tf

    weight = _weights(5)

    def model(image: Any) -> Any:
        x = tf.nn.conv2d(image, weight(3, 3, 3, 8), 1, "SAME", name="conv")
        x = tf.add(tf.multiply(x, weight(8) * 9, name="scaled"), weight(8), name="norm")
        pooled = tf.reduce_mean(tf.nn.relu6(x, name="bounded"), [1, 2], name="pooled")
        return tf.matmul(pooled, weight(8, 5), name="scores")

    return freeze(model, TensorSpec("image", "float32", (None, 12, 12, 3)), (None, 5), folder)


def perceptron(folder: Path) -> Path:
    """Three dense layers on vectors."""
    import tensorflow as tf

    weight = _weights(1)

    def model(x: Any) -> Any:
        for name, sizes, act in (("one", (10, 24), tf.tanh), ("two", (24, 24), tf.nn.relu)):
            x = act(tf.nn.bias_add(tf.matmul(x, weight(*sizes)), weight(24)), name=name)
        return tf.add(tf.matmul(x, weight(24, 3)), weight(3), name="three")

    return freeze(model, TensorSpec("features", "float32", (None, 10)), (None, 3), folder)


def looping(folder: Path) -> Path:
    """A loop and a branch whose bodies read outer tensors, and a node with two outputs."""
    import tensorflow as tf

    weight = _weights(3)

    def model(x: Any) -> Any:
        square, last = weight(6, 6), weight(3, 4)
        x = tf.tanh(x @ square, name="before")
        _, x = tf.while_loop(lambda i, _: i < 3, lambda i, v: (i + 1, tf.tanh(v @ square)), (0, x))
        x = tf.cond(tf.reduce_sum(x) > 0, lambda: x + 1.0, lambda: x - 1.0)
        gate, value = tf.split(x, 2, -1, name="halves")
        return tf.matmul(tf.sigmoid(gate) * tf.nn.relu(value), last, name="scores")

    return freeze(model, TensorSpec("x", "float32", (None, 6)), (None, 4), folder)


def freeze(
    function: Callable[[Any], Any], spec: TensorSpec, shape: tuple[Any, ...], folder: Path
) -> Path:
    """Write a FROZEN folder as the freezing step does, and a GOLDEN one in it."""
    import tensorflow as tf

    concrete = tf.function(function).get_concrete_function(
        tf.TensorSpec(spec.shape, spec.dtype, name="x0")
    )
    signature = Signature((spec,), (TensorSpec("scores", "float32", shape),))
    raw = RawGraph(
        concrete.graph.as_graph_def(),
        [tensor.op.name for tensor in concrete.inputs],
        [tensor.name for tensor in concrete.outputs],
    )
    (folder / "golden").mkdir(parents=True)
    graph = canonical(raw, signature)
    (folder / "frozen.pb").write_bytes(graph.SerializeToString(deterministic=True))
    signature.write(folder)
    samples = np.random.default_rng(7).normal(0, 1, (3, *spec.shape[1:])).astype(np.float32)
    save_file({spec.name: samples}, folder / "golden" / "inputs.safetensors")
    return folder


def mobilenet(folder: Path) -> Path:
    """The bundled MobileNet on some of its test samples."""
    from pipeline.base.options import NoOptions
    from pipeline.export.freeze import freeze as freeze_step
    from pipeline.sources import bundled

    options = bundled.Options(name="mobilenet_digits")
    source = folder / "source"
    source.mkdir(parents=True)
    bundled.pull(options.local_paths(), options, source)
    freeze_step({"source": source}, NoOptions(), folder)
    (folder / "golden").mkdir()
    samples = np.random.default_rng(7).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    save_file({"image": samples}, folder / "golden" / "inputs.safetensors")
    return folder


def _weights(seed: int) -> Callable[..., Any]:
    import tensorflow as tf

    random = np.random.default_rng(seed)
    return lambda *shape: tf.constant(
        random.normal(0, prod(shape[:-1]) ** -0.5, shape).astype(np.float32)
    )


@dataclass
class Converted:
    """A model in both formats, and its source's tensors."""

    folder: Path
    frozen: Path

    @classmethod
    def make(cls, frozen: Path, folder: Path) -> Converted:
        """Convert, package as they are, and record the source."""
        made = cls(folder, frozen)
        for module in (onnx_format, tfjs_graph):
            work = folder / module.NAME
            work.mkdir(parents=True)
            module.convert({"frozen": frozen}, module.convert.options_type(), work)
        made.trace(folder / "trace")
        return made

    def trace(self, work: Path) -> Path:
        """Record the source's tensors of both formats."""
        known = {*origins.read(self.folder / "onnx").values()}
        known |= {*origins.read(self.folder / "tfjs-graph").values()}
        work.mkdir()
        options = TraceOptions(tensors=sorted(known), samples=[0, 1, 2])
        trace({"frozen": self.frozen, "golden": self.frozen / "golden"}, options, work)
        return work

    def onnx(self, work: Path, change: Callable[[Any], None], codec: str | None = None) -> Path:
        """An ARTIFACT with a changed ``onnx.ModelProto``."""
        import onnx

        model = onnx.load(self.folder / "onnx" / "model.onnx")
        change(model)
        damaged = work / "damaged"
        known = origins.read(self.folder / "onnx")
        signature = Signature.read(self.folder / "onnx")
        damaged.mkdir()
        onnx_format.write(model, signature, damaged, known)
        options = onnx_format.PackageOptions(variant="fp32", codec=codec)
        return _packaged(onnx_format.package, damaged, options, work)

    def tfjs(
        self,
        work: Path,
        change: Callable[[dict[str, Any], Weights], None],
        codec: str | None = None,
    ) -> Path:
        """An ARTIFACT with changed nodes, by name, and float32 weights, by name."""
        model = json.loads((self.folder / "tfjs-graph" / "model.json").read_text())
        raw = (self.folder / "tfjs-graph" / "weights.bin").read_bytes()
        (group,) = model["weightsManifest"]
        weights, start = {}, 0
        for weight in group["weights"]:
            count = prod(weight["shape"])
            dtype = {"float32": "<f4", "int32": "<i4"}[weight["dtype"]]
            values = np.frombuffer(raw, dtype, count, start).reshape(weight["shape"]).copy()
            weights[weight["name"]] = values
            start += 4 * count
        change({node["name"]: node for node in model["modelTopology"]["node"]}, weights)
        damaged = work / "damaged"
        damaged.mkdir()
        (damaged / "weights.bin").write_bytes(b"".join(w.tobytes() for w in weights.values()))
        (damaged / "model.json").write_text(json.dumps(model))
        for name in ("signature.json", origins.FILE):
            (damaged / name).write_text((self.folder / "tfjs-graph" / name).read_text())
        options = packaging.PackageOptions(
            format="tfjs-graph", variant="fp32", shard_bytes=4096, codec=codec
        )
        return _packaged(packaging.package, damaged, options, work)

    def bisect(
        self,
        artifact: Path,
        work: Path,
        target: str = "onnxruntime-cpu",
        *,
        tolerance: float = 1e-4,
        traced: Path | None = None,
    ) -> dict[str, Any]:
        """What the step finds, as its result says."""
        backend, _, engine = target.partition("@")
        options = FindOptions(backend=backend, engine=engine or None, tolerance=tolerance)
        out = work / "found"
        out.mkdir()
        find({"artifact": artifact, "trace": traced or self.folder / "trace"}, options, out)
        result: dict[str, Any] = json.loads((out / RESULT).read_text())
        return result


def _packaged(package: Any, damaged: Path, options: Any, work: Path) -> Path:
    artifact = work / "artifact"
    artifact.mkdir()
    package({"model": damaged}, options, artifact)
    return artifact
