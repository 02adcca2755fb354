"""Which channels of a network stand and fall together. Not a technique itself.

A convolution makes channels; batch norms, activations and depthwise convolutions carry them on;
additions and products tie those of one operand to those of the other; the next convolutions read
them (Fang et al. 2023, "DepGraph", arXiv:2301.12900). A channel can go where all of that is
understood. Where a layer is not, the channels that it reads and gives stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.tensors.arrays import Array, np

#: What the last axis of a tensor consists of: spaces one after the other, as concatenation and
#: flattening leave them.
Layout = tuple[int, ...]


@dataclass
class Groups:
    """The channel spaces of a model; those that stand and fall together have one root."""

    sizes: list[int] = field(default_factory=list)
    """Channels of each space."""
    makers: dict[str, int] = field(default_factory=dict)
    """Layer -> the space that its kernel's last axis makes."""
    readers: dict[str, Layout] = field(default_factory=dict)
    """Layer -> what its kernel's axis before that reads."""
    carriers: dict[str, Layout] = field(default_factory=dict)
    """Layer with weights of one value per channel -> those channels."""
    shapes: dict[str, Layout] = field(default_factory=dict)
    """Layer whose options name the last axis' size -> that axis."""
    norms: dict[str, Any] = field(default_factory=dict)
    """Layer that makes channels -> the batch norm right behind it."""
    kept: dict[int, str] = field(default_factory=dict)
    """Space whose channels must stay -> why."""
    _parents: list[int] = field(default_factory=list)

    def new(self, size: int) -> Layout:
        """A space of channels that nothing is known of yet."""
        self.sizes.append(size)
        self._parents.append(len(self._parents))
        return (len(self.sizes) - 1,)

    def root(self, space: int) -> int:
        """The space that stands for all of those tied to this one."""
        while self._parents[space] != space:
            space = self._parents[space]
        return space

    def tie(self, first_layout: Layout, second_layout: Layout) -> None:
        """The channels of two tensors are added or multiplied, each with its counterpart."""
        for first, second in zip(first_layout, second_layout, strict=True):
            self._parents[self.root(second)] = self.root(first)

    def keep(self, layout: Layout, why: str) -> None:
        """None of these channels may go."""
        for space in layout:
            self.kept.setdefault(space, why)

    def free(self) -> dict[int, list[str]]:
        """Root -> the layers that make its channels, where all of these may go."""
        layers: dict[int, list[str]] = {}
        stay = {self.root(space) for space in self.kept}
        for layer, space in self.makers.items():
            if self.root(space) not in stay:
                layers.setdefault(self.root(space), []).append(layer)
        return layers

    def parts(self, layout: Layout, values: Array) -> Iterator[tuple[int, Array]]:
        """Each root in a tensor's last axis, with its part of one value per channel."""
        start = 0
        for space in layout:
            yield self.root(space), values[start : start + self.sizes[space]]
            start += self.sizes[space]


def find_groups(model: Any) -> Groups:
    """Follow the channels of a functional or sequential ``tf_keras.Model`` from input to output."""
    groups = Groups()
    tensors: dict[str, Layout] = {}
    nodes = [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
    ]
    calls = [node.layer.name for node in nodes]
    for node in nodes:
        layouts = [tensors[name] for name in node.flat_input_ids]
        rule = _RULES.get(type(node.layer).__name__)
        layout = None
        if layouts and rule and calls.count(node.layer.name) == 1:
            layout = rule(groups, node, layouts)
        if layout is not None:
            tensors[node.flat_output_ids[0]] = layout
            continue
        name = type(node.layer).__name__
        for unknown in layouts:
            groups.keep(unknown, f"read by {node.layer.name} ({name})")
        for tensor_id, shape in zip(node.flat_output_ids, _shapes(node), strict=True):
            tensors[tensor_id] = groups.new(shape[-1] or 0)
            groups.keep(tensors[tensor_id], f"given by {node.layer.name} ({name})")
    for tensor in model.outputs:
        groups.keep(tensors[str(id(tensor))], "an output of the model")
    return groups


def _shapes(node: Any) -> list[Any]:
    import tensorflow as tf

    return [tensor.shape for tensor in tf.nest.flatten(node.outputs)]


def _make(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """A convolution or dense layer: reads all channels, and makes new ones."""
    layer = node.layer
    if getattr(layer, "groups", 1) != 1 or not _channels_last(layer):
        return None
    groups.readers[layer.name] = layouts[0]
    layout = groups.new(layer.kernel.shape[-1])
    groups.makers[layer.name] = layout[0]
    if "softmax" in getattr(layer.activation, "__name__", ""):
        groups.keep(layout, f"{layer.name} has a softmax over them")
    return layout


def _carry(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """A depthwise convolution or batch norm: weights of its own for each channel."""
    layer = node.layer
    axis = getattr(layer, "axis", None)
    rank = node.input_shapes.rank if hasattr(node.input_shapes, "rank") else len(node.input_shapes)
    if axis is not None and list(axis) != [rank - 1]:
        return None
    if getattr(layer, "depth_multiplier", 1) != 1 or not _channels_last(layer):
        return None
    groups.carriers[layer.name] = layouts[0]
    maker = node.keras_inputs[0]._keras_history.layer.name
    if axis is not None and maker in groups.makers:
        groups.norms[maker] = layer
    return layouts[0]


def _pass(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """What treats every channel alike: activations, pooling, padding."""
    return layouts[0] if _channels_last(node.layer) else None


def _softmax(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """An activation; a softmax reads all channels."""
    name = getattr(node.layer.activation, "__name__", "")
    return None if "softmax" in name else layouts[0]


def _tie(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """What adds, multiplies or compares tensors channel by channel."""
    sizes = [[groups.sizes[space] for space in layout] for layout in layouts]
    if any(size != sizes[0] for size in sizes):
        return None
    for other in layouts[1:]:
        groups.tie(layouts[0], other)
    return layouts[0]


def _join(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """Concatenation, along channels."""
    rank = len(_shapes(node)[0])
    joined: Layout = sum(layouts, ())
    return joined if node.layer.axis in (-1, rank - 1) else None


def _reshape(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """Places beside each other (Flatten), or the same channels in other dimensions."""
    size, (shape,) = sum(groups.sizes[space] for space in layouts[0]), _shapes(node)
    last = shape[-1] or 0
    beside = last % size == 0 and (last == size or len(shape) == 2) if size and last else False
    if not beside or not _channels_last(node.layer):
        return None
    layout = layouts[0] * (last // size)
    groups.shapes[node.layer.name] = layout
    return layout


def _operation(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    """``x + 3.0``, ``x * y``, ``tf.nn.relu(x)`` between layers."""
    others = [*node.call_args, *node.call_kwargs.values()]
    numbers = [value for value in others if not hasattr(value, "_keras_history")]
    if node.layer.get_config()["function"] not in _OPERATIONS:
        return None
    if any(value is not None and np.ndim(value) for value in numbers):
        return None
    return _tie(groups, node, layouts)


def _scale(groups: Groups, node: Any, layouts: list[Layout]) -> Layout | None:
    same = np.ndim(node.layer.scale) == np.ndim(node.layer.offset) == 0
    return layouts[0] if same else None


def _channels_last(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") in ("channels_last", None)


_OPERATIONS = frozenset(
    {
        *("math.add", "__operators__.add", "__operators__.radd", "math.subtract"),
        *("__operators__.sub", "math.multiply", "__operators__.mul", "__operators__.rmul"),
        *("math.divide", "math.truediv", "__operators__.truediv", "nn.relu", "nn.relu6"),
        *("math.sigmoid", "nn.sigmoid", "math.tanh", "nn.tanh", "nn.silu", "nn.swish"),
    }
)

_PASSING = (
    *("ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Dropout", "SpatialDropout2D"),
    *("GaussianNoise", "GaussianDropout", "ZeroPadding2D", "Cropping2D", "UpSampling2D"),
    *("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"),
)

#: Class of layer -> what it does to channels, or ``None`` where that is not known.
_RULES: dict[str, Callable[[Groups, Any, list[Layout]], Layout | None]] = {
    **dict.fromkeys(("Conv2D", "Dense"), _make),
    **dict.fromkeys(("DepthwiseConv2D", "BatchNormalization"), _carry),
    **dict.fromkeys(_PASSING, _pass),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _tie),
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    "Activation": _softmax,
    "Concatenate": _join,
    "Rescaling": _scale,
    "TFOpLambda": _operation,
}
