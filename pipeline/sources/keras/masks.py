"""Masks in a Keras 3 graph: those that follow tensors, which tf_keras makes by itself."""

from __future__ import annotations

from typing import Any


def needed_nodes(graph: Any) -> set[int]:
    """The ids of the nodes that outputs need, without those that only make such masks."""
    import keras

    needed: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        operation, index, _ = waiting.pop()._keras_history
        node = operation._inbound_nodes[index]
        if id(node) in needed:
            continue
        needed.add(id(node))
        read = keras.tree.flatten([node.arguments.args, kept_arguments(node)])
        waiting += [value for value in read if isinstance(value, keras.KerasTensor)]
    return needed


def kept_arguments(node: Any) -> dict[str, Any]:
    """The named arguments of a call, without masks that follow its tensors."""
    import keras

    inputs = keras.tree.flatten(node.arguments.args)
    masks = [getattr(tensor, "_keras_mask", None) for tensor in inputs]

    def follows(key: str, value: Any) -> bool:
        tensors = keras.tree.flatten(value)
        return key.endswith("mask") and all(any(_alike(a, b) for b in masks) for a in tensors)

    return {
        key: value
        for key, value in node.arguments.kwargs.items()
        if value is not None and key != "training" and not follows(key, value)
    }


def _alike(tensor: Any, other: Any) -> bool:
    """Whether two tensors are one, or made of one by the same operations.

    A loaded model computes each mask twice: as its file says, and as its layers do.
    """
    import keras

    if tensor is other:
        return True
    if not (isinstance(tensor, keras.KerasTensor) and isinstance(other, keras.KerasTensor)):
        return not isinstance(tensor, keras.KerasTensor) and bool(tensor == other)
    (first, i, _), (second, j, _) = tensor._keras_history, other._keras_history
    if type(first) is not type(second) or _settings(first) != _settings(second):
        return False
    sides = [
        keras.tree.flatten([node.arguments.args, node.arguments.kwargs])
        for node in (first._inbound_nodes[i], second._inbound_nodes[j])
    ]
    if isinstance(first, keras.Layer) or len(sides[0]) != len(sides[1]):
        return False
    return all(_alike(a, b) for a, b in zip(*sides, strict=True))


def _settings(operation: Any) -> dict[str, Any]:
    return {
        key: value
        for key, value in vars(operation).items()
        if not key.startswith("_")
        and key != "name"
        and isinstance(value, int | float | str | tuple)
    }
