"""Shapes that a graph computes, as far as they are known: numbers, and names of free sizes.

Exporters write ``x.view(x.size(0), -1)`` as five nodes, which a name for the free size makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from pipeline.graphs.onnx.to_tensorflow.node import Node, Size
from pipeline.graphs.onnx.to_tensorflow.value import Value, numbers

#: Longer lists are no shapes.
_LONGEST = 64


def sizes_of(node: Node) -> list[Size] | None:
    """The numbers that a node gives, where they are made of shapes; those of a scalar are one."""
    way = _WAYS.get(node.operator)
    return way(node) if way else None


def listed(value: Value) -> list[Size] | None:
    """The numbers of a list or a scalar."""
    if value.constant is None:
        return value.sizes
    short = value.constant.ndim < 2 and value.constant.size <= _LONGEST
    return [*numbers(value.constant)] if short and value.dtype.is_integer else None


def _of_shape(node: Node) -> list[Size]:
    return node.sizes(0)[node.attribute("start", 0) : node.attribute("end")]


def _of_same(node: Node) -> list[Size] | None:
    return listed(node.value())


def _of_gather(node: Node) -> list[Size] | None:
    sizes, index = listed(node.value(0)), node.value(1).constant
    if sizes is None or index is None or index.ndim > 1:
        return None
    return [sizes[i] for i in numbers(index)]


def _of_concat(node: Node) -> list[Size] | None:
    together: list[Size] = []
    for value in node.inputs:
        sizes = None if value is None else listed(value)
        if sizes is None:
            return None
        together += sizes
    return together


def _of_slice(node: Node) -> list[Size] | None:
    sizes = listed(node.value())
    ends = [node.inputs[i] for i in range(1, len(node.inputs))]
    if sizes is None or node.opset < 10 or any(v and v.constant is None for v in ends):
        return None
    start, end = (numbers(node.constant(i, "a bound"))[0] for i in (1, 2))
    step = numbers(node.constant(4, "a step"))[0] if node.has(4) else 1
    return sizes[start:end:step]


_WAYS: dict[str, Callable[[Node], list[Size] | None]] = {
    "Shape": _of_shape,
    "Gather": _of_gather,
    "Concat": _of_concat,
    "Slice": _of_slice,
    **dict.fromkeys(("Cast", "Identity", "Squeeze", "Unsqueeze"), _of_same),
}


def resolve(sizes: Sequence[Size], wanted: Sequence[Size]) -> list[Size]:
    """What a reshape asks for, with the size that is left over where free ones cancel.

    Args:
        sizes: of the tensor.
        wanted: with no 0, and maybe one -1.
    """
    result = list(wanted)
    if result.count(-1) != 1 or None in result or None in sizes:
        return result
    names = [size for size in sizes if isinstance(size, str)]
    for name in (size for size in result if isinstance(size, str)):
        if name not in names:
            return result
        names.remove(name)
    whole = prod(size for size in sizes if isinstance(size, int))
    part = prod(size for size in result if isinstance(size, int) and size != -1)
    if not names and part and whole % part == 0:
        result[result.index(-1)] = whole // part
    elif len(names) == 1 and whole == part:
        result[result.index(-1)] = names[0]
    return result
