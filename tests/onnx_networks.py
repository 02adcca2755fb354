"""Small ONNX models of the families that people bring, as PyTorch's exporter spells them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]


class Network:
    """Nodes and weights, one after another; names as PyTorch gives them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def weight(self, *shape: int, scale: float | None = None) -> str:
        scale = (2 / max(np.prod(shape[1:]), 1)) ** 0.5 if scale is None else scale
        return self.constant(self.random.normal(0, scale, shape).astype(np.float32))

    def constant(self, array: Array) -> str:
        name = f"onnx::Constant_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        name = f"/model/{len(self.nodes)}/{operator}"
        results = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, results, name, **attributes))
        return results[0] if outputs == 1 else results

    def model(
        self, inputs: dict[str, tuple[int, list[Any]]], outputs: dict[str, str], opset: int = 17
    ) -> ModelProto:
        """Outputs: name -> tensor."""
        for name, tensor in outputs.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name], name))
        values = [helper.make_tensor_value_info(n, k, shape) for n, (k, shape) in inputs.items()]
        ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "main_graph", values, ends, self.tensors)
        opsets = [helper.make_opsetid("", opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def conv(  # noqa: PLR0917
        self, x: str, taken: int, given: int, size: int = 3, stride: int = 1, group: int = 1
    ) -> str:
        pad = size // 2
        return self.add(
            "Conv",
            x,
            self.weight(given, taken // group, size, size),
            self.weight(given, scale=0.1),
            kernel_shape=[size, size],
            strides=[stride] * 2,
            pads=[pad] * 4,
            group=group,
        )

    def norm(self, x: str, channels: int) -> str:
        variance = self.constant(self.random.uniform(0.5, 2, channels).astype(np.float32))
        moments = [self.weight(channels, scale=0.3) for _ in range(3)]
        return self.add("BatchNormalization", x, *moments, variance)

    def layer_norm(self, x: str, width: int) -> str:
        """Written out, as before opset 17."""
        mean = self.add("ReduceMean", x, axes=[-1])
        centred = self.add("Sub", x, mean)
        square = self.add("Pow", centred, self.constant(np.array(2, np.float32)))
        variance = self.add("ReduceMean", square, axes=[-1])
        shifted = self.add("Add", variance, self.constant(np.array(1e-5, np.float32)))
        scaled = self.add("Div", centred, self.add("Sqrt", shifted))
        weighted = self.add("Mul", scaled, self.weight(width, scale=0.5))
        return self.add("Add", weighted, self.weight(width, scale=0.1))


IMAGE = (TensorProto.FLOAT, ["batch", 3, 32, 32])


def mobilenet() -> ModelProto:
    """Inverted residuals with depthwise convolutions of stride two, and ReLU6 as Clip."""
    net = Network()

    def relu6(x: str) -> str:
        bounds = [net.constant(np.array(value, np.float32)) for value in (0, 6)]
        return net.add("Clip", x, *bounds)

    def block(x: str, taken: int, given: int, stride: int) -> str:
        y = relu6(net.conv(x, taken, taken * 2, 1))
        y = relu6(net.conv(y, taken * 2, taken * 2, 3, stride, group=taken * 2))
        y = net.conv(y, taken * 2, given, 1)
        return net.add("Add", x, y) if stride == 1 and taken == given else y

    x = relu6(net.conv("input", 3, 8, 3, 2))
    x = block(block(block(x, 8, 8, 1), 8, 12, 2), 12, 12, 1)
    x = net.add("Flatten", net.add("GlobalAveragePool", relu6(net.conv(x, 12, 32, 1))))
    x = net.add("Gemm", x, net.weight(10, 32), net.weight(10), transB=1)
    return net.model({"input": IMAGE}, {"output": x})


def resnet() -> ModelProto:
    """As ResNet-18 begins and ends: a stem with a padded pool, basic blocks, a shape computed."""
    net = Network(1)

    def block(x: str, taken: int, given: int, stride: int) -> str:
        y = net.add("Relu", net.norm(net.conv(x, taken, given, 3, stride), given))
        y = net.norm(net.conv(y, given, given), given)
        side = x if taken == given else net.norm(net.conv(x, taken, given, 1, stride), given)
        return net.add("Relu", net.add("Add", y, side))

    x = net.add("Relu", net.norm(net.conv("input", 3, 8, 7, 2), 8))
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x = block(block(block(x, 8, 8, 1), 8, 16, 2), 16, 24, 2)
    x = net.add("GlobalAveragePool", x)
    batch = net.add("Gather", net.add("Shape", x), net.constant(np.array(0)), axis=0)
    shape = net.add("Concat", net.add("Unsqueeze", batch, net.ints(0)), net.ints(-1), axis=0)
    x = net.add("Gemm", net.add("Reshape", x, shape), net.weight(10, 24), net.weight(10), transB=1)
    return net.model({"input": IMAGE}, {"output": x})


def yolo() -> ModelProto:
    """As YOLOv8's: SiLU, split and concatenated, an upsampled neck, boxes by expectations."""
    net = Network(2)

    def silu(x: str, taken: int, given: int, size: int = 3, stride: int = 1) -> str:
        y = net.conv(x, taken, given, size, stride)
        return net.add("Mul", y, net.add("Sigmoid", y))

    def c2f(x: str, taken: int, given: int) -> str:
        half = given // 2
        y, z = net.add("Split", silu(x, taken, given, 1), net.ints(half, half), outputs=2, axis=1)
        w = net.add("Add", z, silu(silu(z, half, half), half, half))
        return silu(net.add("Concat", y, z, w, axis=1), half * 3, given, 1)

    def pool(x: str) -> str:
        return net.add("MaxPool", x, kernel_shape=[5, 5], pads=[2] * 4)

    def head(x: str, taken: int) -> str:
        box = net.conv(silu(x, taken, 16), 16, 64, 1)
        scores = net.conv(silu(x, taken, 16), 16, 5, 1)
        both = net.add("Concat", box, scores, axis=1)
        return net.add("Reshape", both, net.ints(0, 69, -1))

    x = silu(silu("images", 3, 8, 3, 2), 8, 16, 3, 2)
    large = c2f(x, 16, 16)
    x = silu(silu(large, 16, 32, 3, 2), 32, 16, 1)
    first = pool(x)
    second = pool(first)
    small = silu(net.add("Concat", x, first, second, pool(second), axis=1), 64, 16, 1)
    scales = net.constant(np.float32([1, 1, 2, 2]))
    up = net.add(
        "Resize",
        small,
        "",
        scales,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    large = c2f(net.add("Concat", up, large, axis=1), 32, 16)
    rows = net.add("Concat", head(large, 16), head(small, 16), axis=2)
    anchors = 8 * 8 + 4 * 4
    box, scores = net.add("Split", rows, net.ints(64, 5), outputs=2, axis=1)
    box = net.add("Reshape", box, net.ints(0, 4, 16, anchors))
    box = net.add("Softmax", net.add("Transpose", box, perm=[0, 2, 1, 3]), axis=1)
    bins = net.constant(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    box = net.add("Reshape", net.add("Conv", box, bins), net.ints(0, 4, anchors))
    corner = [
        net.add("Slice", box, net.ints(2 * i), net.ints(2 * i + 2), net.ints(1)) for i in (0, 1)
    ]
    grid = net.constant(net.random.uniform(0, 8, (1, 2, anchors)).astype(np.float32))
    near, far = net.add("Sub", grid, corner[0]), net.add("Add", grid, corner[1])
    centre = net.add("Div", net.add("Add", near, far), net.constant(np.array(2, np.float32)))
    box = net.add("Concat", centre, net.add("Sub", far, near), axis=1)
    stride = net.constant(np.float32([4] * 64 + [8] * 16).reshape(1, anchors))
    box = net.add("Mul", box, stride)
    output = net.add("Concat", box, net.add("Sigmoid", scores), axis=1)
    return net.model({"images": IMAGE}, {"output0": output})


def encoder(width: int = 16, heads: int = 2, layers: int = 2) -> ModelProto:
    """As MiniLM's: token ids and a mask of free length, norms and attention written out."""
    net = Network(3)
    shape = net.add("Shape", "input_ids")
    batch, length = (net.add("Gather", shape, net.constant(np.array(i)), axis=0) for i in (0, 1))

    def sizes(*parts: str | int) -> str:
        made = [
            net.ints(part) if isinstance(part, int) else net.add("Unsqueeze", part, net.ints(0))
            for part in parts
        ]
        return net.add("Concat", *made, axis=0)

    def dense(x: str, taken: int, given: int) -> str:
        return net.add("Add", net.add("MatMul", x, net.weight(taken, given)), net.weight(given))

    def split(x: str, *perm: int) -> str:
        x = net.add("Reshape", dense(x, width, width), sizes(batch, length, heads, width // heads))
        return net.add("Transpose", x, perm=perm)

    def attend(x: str) -> str:
        query, key, value = split(x, 0, 2, 1, 3), split(x, 0, 2, 3, 1), split(x, 0, 2, 1, 3)
        root = net.constant(np.array((width // heads) ** 0.5, np.float32))
        scores = net.add("Div", net.add("MatMul", query, key), root)
        shares = net.add("Softmax", net.add("Add", scores, mask), axis=-1)
        merged = net.add("Transpose", net.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        return dense(net.add("Reshape", merged, sizes(batch, length, width)), width, width)

    def gelu(x: str) -> str:
        inner = net.add("Erf", net.add("Div", x, net.constant(np.array(2**0.5, np.float32))))
        y = net.add("Mul", x, net.add("Add", inner, net.constant(np.array(1, np.float32))))
        return net.add("Mul", y, net.constant(np.array(0.5, np.float32)))

    mask = net.add("Unsqueeze", net.add("Unsqueeze", "attention_mask", net.ints(1)), net.ints(2))
    one = net.constant(np.array(1, np.float32))
    mask = net.add("Sub", one, net.add("Cast", mask, to=TensorProto.FLOAT))
    mask = net.add("Mul", mask, net.constant(np.array(np.finfo(np.float32).min, np.float32)))
    words = net.add("Gather", net.weight(50, width, scale=1.0), "input_ids", axis=0)
    positions = net.constant(np.arange(64)[None])
    end = net.add("Unsqueeze", length, net.ints(0))
    places = net.add("Slice", positions, net.ints(0), end, net.ints(1))
    x = net.add("Add", words, net.add("Gather", net.weight(64, width, scale=1.0), places, axis=0))
    x = net.layer_norm(x, width)
    for _ in range(layers):
        x = net.layer_norm(net.add("Add", attend(x), x), width)
        y = dense(gelu(dense(x, width, width * 2)), width * 2, width)
        x = net.layer_norm(net.add("Add", y, x), width)
    ids = (TensorProto.INT64, ["batch", "sequence"])
    return net.model({"input_ids": ids, "attention_mask": ids}, {"last_hidden_state": x})


def image(seed: int = 0, count: int = 2) -> Array:
    """[count, 3, 32, 32] for the first three."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3, 32, 32)).astype(np.float32)


def tokens(length: int, count: int = 2) -> dict[str, Array]:
    """For the encoder; the last two of the second row are no tokens."""
    random = np.random.default_rng(length)
    mask = np.ones((count, length), np.int64)
    mask[-1, -2:] = 0
    return {"input_ids": random.integers(0, 50, (count, length)), "attention_mask": mask}


def recurrent() -> ModelProto:
    """The tagger for sequences of one length, with ONNX's own operators alone."""
    return tagger(7, "Tanh", "")


def tagger(
    length: int | str = "length", activation: str = "FastGelu", domain: str = "com.microsoft"
) -> ModelProto:
    """Embeddings, two LSTMs of both directions and a GRU, as PyTorch gives them, and an operator of
    onnxruntime's own, as its optimizer gives them: of that no TensorFlow graph is made."""
    net = Network()
    x = net.add("Gather", net.weight(40, 12, scale=0.5), "tokens")
    x = net.add("Transpose", x, perm=[1, 0, 2])
    for layer in range(2):
        taken = 12 if layer == 0 else 32
        kernels = [net.weight(2, 64, taken, scale=0.3), net.weight(2, 64, 16, scale=0.3)]
        y, *_ = net.add(
            "LSTM",
            x,
            *kernels,
            net.weight(2, 128, scale=0.1),
            outputs=3,
            hidden_size=16,
            direction="bidirectional",
        )
        y = net.add("Transpose", y, perm=[0, 2, 1, 3])
        x = net.add("Reshape", y, net.ints(0, 0, -1))
    kernels = [net.weight(1, 48, 32, scale=0.3), net.weight(1, 48, 16, scale=0.3)]
    _, last = net.add("GRU", x, *kernels, net.weight(1, 96, scale=0.1), outputs=2, hidden_size=16)
    last = net.add("Squeeze", last, net.ints(0))
    last = net.add(activation, last, domain=domain)
    scores = net.add("Gemm", last, net.weight(8, 16), net.weight(8, scale=0.1), transB=1)
    values = {"tokens": (TensorProto.INT64, ["batch", length])}
    model = net.model(values, {"tags": net.add("Softmax", scores, axis=-1)})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def suppressed() -> ModelProto:
    """What stands at the end of detectors: overlapping boxes are left out."""
    net = Network()
    thresholds = [net.constant(np.float32([share])) for share in (0.4, 0.3)]
    kept = net.add("NonMaxSuppression", "boxes", "scores", net.ints(5), *thresholds)
    values = {"boxes": (TensorProto.FLOAT, [1, 20, 4]), "scores": (TensorProto.FLOAT, [1, 2, 20])}
    return net.model(values, {"kept": kept})


def boxes() -> dict[str, Array]:
    random = np.random.default_rng(0)
    sizes = {"boxes": (1, 20, 4), "scores": (1, 2, 20)}
    return {name: random.uniform(0, 1, size).astype(np.float32) for name, size in sizes.items()}
