"""Folds into Conv what does not change its result: scales, offsets, batch norms, padding.

tf2onnx leaves the batch norms behind depthwise convolutions as Mul and Add.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.artifacts.large import LargeTensors
from pipeline.artifacts.large_onnx import array_of, large_tensor
from pipeline.graphs.onnx.canonical import all_nodes, graphs
from pipeline.tensors.arrays import np


def fold(model: Any, large: LargeTensors | None = None) -> None:
    """Fold in place, in every graph of ``model``, until nothing more can be folded.

    Args:
        large: where tensors in files are, if there may be some.
    """
    for graph in graphs(model.graph):
        _Folder(graph, _readers(model.graph), large).run()


def _readers(graph: Any) -> Counter[str]:
    """How often each value is read: by nodes of any graph, or as an output."""
    count = Counter(name for node in all_nodes(graph) for name in node.input)
    count.update(value.name for inner in graphs(graph) for value in inner.output)
    return count


class _Folder:
    def __init__(self, graph: Any, readers: Counter[str], large: LargeTensors | None) -> None:
        self._graph, self._readers, self._large = graph, readers, large
        # Held, so that protobuf keeps one Python object per node and id() means something.
        self._nodes = list(graph.node)
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._producer = {name: node for node in self._nodes for name in node.output if name}
        self._dead: set[int] = set()

    def run(self) -> None:
        # Nodes stand in topological order, so a chain of Mul and Add folds link by link.
        for node in self._nodes:
            if node.op_type == "Conv":
                self._fold_padding(node)
            else:
                self._fold_affine(node)
        left = [node for node in self._nodes if id(node) not in self._dead]
        if len(left) < len(self._nodes):
            copies = [type(node).FromString(node.SerializeToString()) for node in left]
            del self._graph.node[:]
            self._graph.node.extend(copies)

    def _fold_affine(self, node: Any) -> None:
        """``Conv`` then ``x * scale + offset``: both go into the Conv's weights and bias."""
        before = self._conv_before(node)
        if before is None:
            return
        conv, (scale, offset) = before
        weight = self._array(conv.input[1])
        bias = self._array(conv.input[2]) if len(conv.input) > 2 and conv.input[2] else 0.0
        shape = (-1,) + (1,) * (weight.ndim - 1)
        channels = len(weight)
        self._set(conv, 1, weight * scale.reshape(shape) if scale.size > 1 else weight * scale)
        self._set(conv, 2, _spread_over_channels(bias * scale + offset, channels))
        conv.output[0] = node.output[0]
        self._producer[node.output[0]] = conv
        self._dead.add(id(node))

    def _conv_before(self, node: Any) -> tuple[Any, tuple[Any, Any]] | None:
        for position, name in enumerate(node.input[:2]):
            conv = self._producer.get(name)
            if conv is None or conv.op_type != "Conv" or self._readers[name] != 1:
                continue
            weight = self._constants.get(conv.input[1])
            bias_is_known = all(item in self._constants for item in conv.input[2:] if item)
            if weight is None or not bias_is_known or weight.data_type != 1:
                continue
            affine = self._affine(node, position, weight.dims[0], len(weight.dims))
            if affine is not None:
                return conv, affine
        return None

    def _affine(self, node: Any, position: int, channels: int, rank: int) -> Any | None:
        """Scale and offset per channel that ``node`` applies to its input at ``position``."""
        ones, zeros = np.ones(1), np.zeros(1)
        if node.op_type == "BatchNormalization" and position == 0:
            return self._batch_norm(node)
        foldable = node.op_type in ("Mul", "Add", "Sub", "Div")
        value = self._per_channel(node.input[1 - position], channels, rank) if foldable else None
        if value is None:
            return None
        if node.op_type == "Mul":
            return value, zeros
        if node.op_type == "Add":
            return ones, value
        if node.op_type == "Div":
            return (1 / value, zeros) if position == 0 and np.all(value) else None
        return (ones, -value) if position == 0 else (-ones, value)

    def _batch_norm(self, node: Any) -> Any | None:
        if not all(name in self._constants for name in node.input[1:5]):
            return None
        if any(item.name == "training_mode" and item.i for item in node.attribute):
            return None
        scale, offset, mean, variance = (self._array(name) for name in node.input[1:5])
        epsilon = next((item.f for item in node.attribute if item.name == "epsilon"), 1e-5)
        scale = scale / np.sqrt(variance + epsilon)
        return scale, offset - mean * scale

    def _per_channel(self, name: str, channels: int, rank: int) -> Any | None:
        """A constant as one value, or one per channel; ``None`` if it varies in other ways."""
        tensor = self._constants.get(name)
        if tensor is None or tensor.data_type != 1 or len(tensor.dims) > rank:
            return None
        shape = [1] * (rank - len(tensor.dims)) + list(tensor.dims)
        if any(size != 1 for axis, size in enumerate(shape) if axis != 1):
            return None
        return self._array(name).reshape(-1) if shape[1] in (1, channels) else None

    def _fold_padding(self, conv: Any) -> None:
        """Zeros that a Pad puts around the image are what Conv's own ``pads`` puts there."""
        pad = self._producer.get(conv.input[0])
        if pad is None or pad.op_type != "Pad" or self._readers[conv.input[0]] != 1:
            return
        attributes = {item.name: item for item in conv.attribute}
        automatic = attributes["auto_pad"].s if "auto_pad" in attributes else b"NOTSET"
        pads = self._zero_pads(pad)
        if pads is None or automatic not in (b"NOTSET", b"VALID"):
            return
        rank = len(pads) // 2
        spatial = pads[2:rank] + pads[rank + 2 :]
        if any(pads[:2]) or any(pads[rank : rank + 2]) or min(spatial) < 0:
            return
        own_pads = list(attributes["pads"].ints) if "pads" in attributes else [0] * len(spatial)
        self._set_pads(conv, [a + b for a, b in zip(own_pads, spatial, strict=True)])
        conv.input[0] = pad.input[0]
        self._dead.add(id(pad))

    def _zero_pads(self, pad: Any) -> list[int] | None:
        mode = next((item.s for item in pad.attribute if item.name == "mode"), b"constant")
        names = list(pad.input[1:])
        if mode != b"constant" or not names or any(names[2:]):
            return None
        if any(name not in self._constants for name in names if name):
            return None
        if len(names) > 1 and names[1] and self._array(names[1]).any():
            return None
        return [int(size) for size in self._array(names[0])]

    def _set_pads(self, conv: Any, pads: list[int]) -> None:
        from onnx import helper

        others = [item for item in conv.attribute if item.name not in ("pads", "auto_pad")]
        copies = [type(item).FromString(item.SerializeToString()) for item in others]
        del conv.attribute[:]
        conv.attribute.extend([*copies, helper.make_attribute("pads", pads)])

    def _array(self, name: str) -> Any:
        """A constant in float64, so that folding rounds once."""
        return array_of(self._constants[name], self._large).astype(np.float64)

    def _set(self, conv: Any, position: int, values: Any) -> None:
        from onnx import numpy_helper

        name = f"{conv.output[0]}/folded{position}/{len(self._constants)}"
        rounded = values.astype(np.float32)
        if self._large is None:
            tensor = numpy_helper.from_array(rounded, name)
        else:
            tensor = large_tensor(name, rounded, self._large)
        self._constants[name] = tensor
        self._graph.initializer.append(tensor)
        while len(conv.input) <= position:
            conv.input.append("")
        conv.input[position] = name


def _spread_over_channels(values: Any, channels: int) -> Any:
    return np.broadcast_to(np.asarray(values).reshape(-1), (channels,))
