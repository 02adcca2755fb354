"""One node that is being written in TensorFlow, and what its function may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.graphs.tflite.model import Operator, Tensor
from pipeline.tensors.arrays import Array, np


class UnsupportedError(Exception):
    """An operator in a way that this importer has not."""


@dataclass(frozen=True)
class Call:
    """A node with its inputs.

    Numbers that TFLite stores as float16 or quantized are float32 here.
    """

    node: Operator
    inputs: Sequence[Any]
    """Symbolic tensors; ``None`` for what is left out."""
    constants: Sequence[Array | None]
    """The values of those that are constants."""
    given: Sequence[Tensor]
    """What the file says of its outputs."""

    def option(self, name: str, default: Any = 0) -> Any:
        """An option, or its default where the node has no options."""
        return getattr(self.node.options, name)() if self.node.options else default

    def input(self, index: int) -> Any:
        """An input that may be left out, at the end too."""
        return self.inputs[index] if index < len(self.inputs) else None

    def weights(self, index: int, write: Callable[[Any], Any]) -> Any:
        """An input in another layout: a constant stays one.

        Args:
            write: array or tensor -> the same in that layout, by NumPy's or TensorFlow's names.
        """
        import tensorflow as tf

        constant = self.constants[index]
        return write(self.inputs[index]) if constant is None else tf.constant(write(constant))

    def integers(self, index: int) -> list[int]:
        """A constant list of integers.

        Raises:
            UnsupportedError: it is computed.
        """
        constant = self.constants[index]
        if constant is None:
            raise UnsupportedError(f"with a computed input {index}")
        return [int(number) for number in np.ravel(constant)]


#: Node -> its output, or its outputs.
Write = Callable[[Call], Any]


def transpose(values: Any, order: Sequence[int]) -> Any:
    """Of an array or a tensor."""
    import tensorflow as tf

    is_array = isinstance(values, np.ndarray)
    return (
        np.ascontiguousarray(values.transpose(order)) if is_array else tf.transpose(values, order)
    )


def reshape(values: Any, shape: Sequence[int]) -> Any:
    """Of an array or a tensor."""
    import tensorflow as tf

    return values.reshape(shape) if isinstance(values, np.ndarray) else tf.reshape(values, shape)


def sizes(tensor: Any) -> list[Any]:
    """Its shape for a reshape: at most one size that is -1, others that are free are computed."""
    import tensorflow as tf

    free = [axis for axis, size in enumerate(tensor.shape) if size is None]
    computed = tf.shape(tensor) if len(free) > 1 else None
    return [
        size if size is not None else -1 if computed is None else computed[axis]
        for axis, size in enumerate(tensor.shape)
    ]
