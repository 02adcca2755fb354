"""A node of an ONNX graph with its inputs in TensorFlow: what an operator's function is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.value import Value, numbers
from pipeline.tensors.arrays import Array

Size = int | str | None
"""A number, the name of a free size, or nothing where that is not known."""

Sizes = tuple[Size, ...]


class UncoveredError(Exception):
    """What a node asks for has no counterpart here; the message ends "…is not converted"."""


@dataclass(frozen=True)
class Node:
    """One node."""

    proto: Any
    inputs: Sequence[Value | None]
    opset: int
    shapes: dict[str, Sizes] = field(default_factory=dict)
    """What ONNX's shape inference knows, by tensor, and what nodes before this one learnt."""

    @property
    def operator(self) -> str:
        """ONNX's name for it."""
        name: str = self.proto.op_type
        return name

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute; text as ``str``, several numbers as a list."""
        from onnx import helper

        for attribute in self.proto.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int = 0) -> Value:
        """An input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise ValueError(f"it lacks its input {index}")
        return value

    def tensor(self, index: int = 0) -> Any:
        """An input as a tensor in ONNX's order."""
        return self.value(index).onnx()

    def constant(self, index: int, what: str) -> Array:
        """An input that is known.

        Raises:
            UncoveredError: the model computes it.
        """
        constant = self.value(index).constant
        if constant is None:
            raise UncoveredError(f"{what} that the model computes")
        return constant

    def integers(self, name: str, index: int, default: Any = None) -> list[int] | Any:
        """Whole numbers that older opsets have as an attribute, and newer ones as an input."""
        if (value := self.attribute(name)) is not None:
            return [value] if isinstance(value, int) else list(value)
        return numbers(self.constant(index, name)) if self.has(index) else default

    def outputs(self) -> list[str]:
        """Names of the outputs; empty for one that nobody wants."""
        return list(self.proto.output)

    def inferred(self) -> list[int | None] | None:
        """What ONNX knows of the first output's shape."""
        sizes = self.shapes.get(self.proto.output[0])
        return None if sizes is None else [s if isinstance(s, int) else None for s in sizes]

    def sizes(self, index: int) -> list[Size]:
        """The shape of an input, with names of free sizes."""
        static = self.value(index).shape
        inferred = self.shapes.get(self.proto.input[index], static)
        names = inferred if len(inferred) == len(static) else static
        return [name if size is None else size for size, name in zip(static, names, strict=True)]

    def learn(self, sizes: Sequence[Size]) -> None:
        """Tell nodes behind this one the shape of its first output."""
        self.shapes[self.proto.output[0]] = tuple(None if size == -1 else size for size in sizes)


Operator = Callable[[Node], Any]
"""Gives a ``Value``, a tensor in ONNX's order, or a list of them, one for each output."""

OPERATORS: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Declare that a function makes these operators."""

    def declare(function: Operator) -> Operator:
        for name in names:
            if name in OPERATORS:
                raise TypeError(f"two functions make {name}")
            OPERATORS[name] = function
        return function

    return declare
