"""Windows over images: sizes, strides, and how much is padded, of convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError
from pipeline.graphs.onnx.to_tensorflow.value import Value, channels_last

Pairs = list[tuple[int, int]]
"""How much is padded before and behind, axis by axis."""


@dataclass(frozen=True)
class Windows:
    """Of each spatial axis, of which there are two or three: a signal has a height of one."""

    sizes: list[int | None]
    """Of the image."""
    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: Pairs
    pixels: bool
    """Whether the image has two axes or three, and no height was put in."""

    @property
    def reach(self) -> list[int]:
        """How many pixels a window spans."""
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]

    @property
    def padded(self) -> bool:
        """Whether anything is."""
        return any(map(any, self.pads))

    def is_same(self) -> bool:
        """Whether TensorFlow's ``SAME`` pads as much, whatever size is free."""
        together = zip(self.sizes, self.reach, self.strides, self.pads, strict=True)
        return all(_same(*axis) == axis[-1] for axis in together)


def windows(node: Node, kernel: Sequence[int], image: Value) -> Windows:
    """What a node's attributes say.

    Raises:
        UncoveredError: a size that decides is free, or pixels would be cut off.
    """
    count = image.rank - 2
    if count not in (1, 2, 3) or len(kernel) != count:
        raise UncoveredError(f"a window over {count} axes")
    sizes = list(image.shape[2:])
    strides = list(node.attribute("strides", [1] * count))
    dilations = list(node.attribute("dilations", [1] * count))
    if not len(strides) == len(dilations) == count or min(*kernel, *strides, *dilations, 1) < 1:
        raise ValueError("its strides, dilations or window are no sizes")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = _pads(node, sizes, reach, strides)
    if any(pad < 0 for pair in pads for pad in pair):
        raise UncoveredError("padding below zero")
    if count > 1:
        return Windows(sizes, list(kernel), strides, dilations, pads, pixels=True)
    sizes, kernel, strides, dilations = [1, *sizes], [1, *kernel], [1, *strides], [1, *dilations]
    return Windows(sizes, kernel, strides, dilations, [(0, 0), *pads], pixels=False)


def _pads(node: Node, sizes: list[int | None], reach: list[int], strides: list[int]) -> Pairs:
    mode = node.attribute("auto_pad", "NOTSET")
    if mode == "VALID":
        return [(0, 0)] * len(sizes)
    if mode == "NOTSET":
        pads = node.attribute("pads", [0] * 2 * len(sizes))
        return list(zip(pads[: len(sizes)], pads[len(sizes) :], strict=True))
    pairs = []
    for size, span, stride in zip(sizes, reach, strides, strict=True):
        pair = _same(size, span, stride)
        if pair is None:
            raise UncoveredError(f"{mode} padding of a free size")
        pairs.append(pair[::-1] if mode == "SAME_LOWER" else pair)
    return pairs


def _same(size: int | None, reach: int, stride: int, *_: Any) -> tuple[int, int] | None:
    """How much ``SAME`` pads; ``None`` where a free size decides."""
    if stride == 1:
        total = reach - 1
    elif size is None:
        return None
    else:
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def image_of(value: Value) -> Any:
    """[n, height, width, channels], or with a depth in front of the height."""
    import tensorflow as tf

    image = value.ordered(channels_last(value.rank))
    return tf.expand_dims(image, 1) if value.rank == 3 else image


def value_of(image: Any, spans: Windows) -> Value:
    """An image as ONNX has it."""
    import tensorflow as tf

    image = image if spans.pixels else tf.squeeze(image, [1])
    return Value(image, channels_last(image.shape.rank))


def pad(image: Any, pads: Pairs, value: float = 0.0) -> Any:
    """An image with a border of one value."""
    import tensorflow as tf

    if not any(map(any, pads)):
        return image
    return tf.pad(image, [(0, 0), *pads, (0, 0)], constant_values=tf.cast(value, image.dtype))
