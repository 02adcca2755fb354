"""Scales per channel in a format that has one per tensor: as a product behind the layer.

Techniques that train or round weights leave them on a grid for each output channel. TF.js' format
has one scale for a tensor, so that its bytes would hold many different numbers. Here a layer's
kernel becomes those numbers, and what it gives is multiplied by its channels' scales. A product in
front of the layer, on the kernel, would make TF.js' wasm backend prepare the kernel anew for each
prediction, which takes 2.3 to 4 times as long.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Float32s, np

if TYPE_CHECKING:
    from pipeline.weights.grid import Grid

Node = dict[str, Any]

#: Operators with a kernel, and the axis of its output channels.
AXES = {
    "Conv2D": 3,
    "_FusedConv2D": 3,
    "DepthwiseConv2dNative": 2,
    "FusedDepthwiseConv2dNative": 2,
    "MatMul": 1,
    "_FusedMatMul": 1,
}

#: Fused activations: those of a product with a positive number are that product of them, or there
#: is an operator of their name for behind it.
COMMUTING, SEPARATE = frozenset({"Relu"}), frozenset({"Elu", "Relu6", "Sigmoid"})

#: So many times the levels has a grid for all channels that is worth one for each. (A MobileNet of
#: three or five values a weight: 62 KB instead of 101 KB.)
WORTH = 2

#: Kernels of fewer values keep their time: early layers, which give the most and hold the least.
LEAST_VALUES = 1024

FLOAT = {"T": {"type": "DT_FLOAT"}}


@dataclass
class _Weights:
    """The manifest's entries and their bytes, by name."""

    specs: list[dict[str, Any]]
    contents: list[bytes | memoryview]

    def index(self, name: str) -> int | None:
        indices = (i for i, spec in enumerate(self.specs) if spec["name"] == name)
        return next(indices, None)

    def values(self, index: int) -> Float32s:
        array: Float32s = np.frombuffer(self.contents[index], "<f4")
        return array.reshape(self.specs[index]["shape"])

    def put(self, index: int, values: Float32s) -> None:
        self.contents[index] = values.astype("<f4").tobytes()

    def insert(self, index: int, name: str, values: Float32s) -> None:
        shape = list(values.shape)
        self.specs.insert(index, {"name": name, "shape": shape, "dtype": "float32"})
        self.contents.insert(index, values.astype("<f4").tobytes())


def scale_outputs(model: dict[str, Any], contents: list[bytes | memoryview]) -> set[str]:
    """Move scales per channel behind their layers, in place.

    Args:
        model: a graph model.
        contents: the bytes of each weight of its manifest, float32.

    Returns:
        Names of the scales, weights now.
    """
    topology = model["modelTopology"]
    if topology.get("library"):
        return set()
    (group,) = model["weightsManifest"]
    weights = _Weights(group["weights"], contents)
    readers = Counter(name for node in topology["node"] for name in node.get("input", ()))
    names = set()
    nodes: list[Node] = []
    for node in topology["node"]:
        scaled = _scale_behind(node, weights, readers)
        nodes += scaled or [node]
        if scaled:
            names.add(scaled[0]["name"])
    topology["node"] = nodes
    return names


def _scale_behind(node: Node, weights: _Weights, readers: Counter[str]) -> list[Node] | None:
    """What takes the place of a layer, the constant of its scales first; ``None`` to keep it."""
    attributes, name = node.get("attr", {}), node["name"]
    if node["op"] not in AXES or attributes.get("transpose_b", {}).get("b"):
        return None
    kernel = weights.index(node["input"][1])
    fused = _fused_operators(attributes)
    bias = weights.index(node["input"][2]) if fused[:1] == ["BiasAdd"] else None
    known = COMMUTING | SEPARATE
    if kernel is None or (fused and bias is None) or not known.issuperset(fused[1:]):
        return None
    if any(readers[source] > 1 for source in node["input"][1:3]):
        return None
    grid = _grid(weights.values(kernel), AXES[node["op"]])
    if grid is None:
        return None
    # A power of two near them all: their quotients are as short, and half precision holds both.
    unit = np.float32(2.0 ** np.rint(np.log2(grid.scale).mean()))
    scale = grid.scale / unit
    weights.put(kernel, grid.numbers.astype(np.float32) * unit)
    if bias is not None:
        weights.put(bias, weights.values(bias) / scale)
    weights.insert(kernel + 1, f"{name}/scale", scale)
    return _nodes(node, fused)


def _grid(values: Float32s, axis: int) -> Grid | None:
    """The grids of a kernel's output channels, unless one for all would be about as coarse."""
    from pipeline.weights.grid import find

    if values.size < LEAST_VALUES or values.shape[axis + 1 :] not in ((), (1,)):
        return None
    per_channel = find(values, axis, 256)
    per_tensor = find(values, None, 256) if per_channel else None
    if per_channel is None or (per_tensor and _levels(per_tensor) < WORTH * _levels(per_channel)):
        return None
    return per_channel


def _levels(grid: Grid) -> int:
    return int(grid.numbers.max() - grid.numbers.min()) + 1


def _nodes(node: Node, fused: list[str]) -> list[Node]:
    """``act(layer + bias)`` -> ``act(scale * (layer + bias / scale))``; the last has its name."""
    name = node["name"]
    separate = [operator for operator in fused[1:] if operator in SEPARATE]
    layer = {**node, "name": f"{name}/numbers"}
    if separate:
        inside = [b64encode(b"BiasAdd").decode()]
        layer["attr"] = {**node["attr"], "fused_ops": {"list": {"s": inside}}}
    product = f"{name}/scaled" if separate else name
    nodes = [
        {"name": f"{name}/scale", "op": "Const"},
        layer,
        {"name": product, "op": "Mul", "input": [layer["name"], f"{name}/scale"], "attr": FLOAT},
    ]
    nodes += [
        {"name": name, "op": operator, "input": [product], "attr": FLOAT} for operator in separate
    ]
    return nodes


def _fused_operators(attributes: dict[str, Any]) -> list[str]:
    operators = attributes.get("fused_ops", {}).get("list", {}).get("s", ())
    fused = [b64decode(operator).decode() for operator in operators]
    return [operator for operator in fused if operator != "NoOp"]
