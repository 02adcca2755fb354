"""Tensors of an ONNX graph in TensorFlow, whose axes may lie in another order than in ONNX.

TensorFlow computes images channels last, ONNX channels first. What a convolution gives stays as it
is, and its order with it; whatever does not care passes both on. A ``Transpose`` is made where an
order is asked for that a tensor does not have: so none stands between operators that agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.tensors.arrays import Array, np

Order = tuple[int, ...]
"""Which axis of ONNX each axis of a tensor holds."""


def channels_last(rank: int) -> Order:
    """Of images as TensorFlow has them."""
    return (0, *range(2, rank), 1)


class Value:
    """A tensor of either kind: one that depends on the inputs, or a constant.

    Args:
        tensor: ``None`` for a constant.
        order: ``None`` where it is ONNX's own.
        constant: in ONNX's order.
        real: the same numbers before they were rounded to an integer dtype, as floats.
    """

    def __init__(
        self,
        tensor: Any = None,
        order: Order | None = None,
        constant: Array | None = None,
        real: Any = None,
    ) -> None:
        self._tensor, self.constant, self.real = tensor, constant, real
        self.order = None if order == tuple(range(len(order or ()))) else order
        self.sizes: list[int | str | None] | None = None
        """Of a list or a scalar that is made of shapes: its numbers, or names of free sizes."""
        self._made: dict[Order | None, Any] = {}

    @property
    def dtype(self) -> Any:
        """TensorFlow's."""
        import tensorflow as tf

        return tf.as_dtype((self._tensor if self.constant is None else self.constant).dtype)

    @property
    def rank(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes in ONNX's order; ``None`` for a free one.

        Raises:
            ValueError: the number of axes is not known.
        """
        if self.constant is not None:
            return self.constant.shape
        sizes = self._tensor.shape.as_list()
        return tuple(sizes[self.axis(i)] for i in range(len(sizes)))

    @property
    def raw(self) -> Any:
        """The tensor in its own order."""
        return self._constant(None) if self._tensor is None else self._tensor

    def axis(self, axis: int) -> int:
        """Where the tensor has an axis of ONNX, which may count from the end."""
        rank = self._tensor.shape.rank if self.constant is None else self.constant.ndim
        if not -rank <= axis < max(rank, 1):
            raise ValueError(f"axis {axis} of a tensor of {rank} axes")
        axis %= max(rank, 1)
        return axis if self.order is None else self.order.index(axis)

    def onnx(self) -> Any:
        """The tensor in ONNX's order."""
        return self.ordered(None)

    def ordered(self, order: Order | None) -> Any:
        """The tensor in this order; made once."""
        if order == tuple(range(len(order or ()))):
            order = None
        if self._tensor is None:
            return self._constant(order)
        if order == self.order:
            return self._tensor
        if order not in self._made:
            self._made[order] = self._transposed(order)
        return self._made[order]

    def array(self, order: Order) -> Any:
        """A constant's array, or the tensor, in this order: for weights that are reshaped."""
        return self.ordered(order) if self.constant is None else self.constant.transpose(order)

    def flat(self) -> Any:
        """A tensor of the same numbers one after another as ONNX has them, of any shape."""
        return self._tensor if self._moves_ones(self._turn(None)) else self.onnx()

    def _constant(self, order: Order | None) -> Any:
        import tensorflow as tf

        constant = np.asarray(self.constant)
        array = constant if order is None else constant.transpose(order)
        if tf.executing_eagerly():
            return tf.constant(array)
        if order not in self._made:
            self._made[order] = tf.constant(array)
        return self._made[order]

    def _turn(self, order: Order | None) -> Order:
        """The permutation that gives the tensor this order."""
        return tuple(map(self.axis, order or range(self.rank)))

    def _moves_ones(self, turn: Sequence[int]) -> bool:
        """Whether a permutation moves axes of one element only, so that no number moves."""
        if self._tensor is None:
            return False
        sizes = self._tensor.shape.as_list()
        moved = [axis for axis in turn if sizes[axis] != 1]
        return moved == sorted(moved)

    def _transposed(self, order: Order | None) -> Any:
        import tensorflow as tf

        turn = self._turn(order)
        sizes = self._tensor.shape.as_list()
        if self._moves_ones(turn) and sizes.count(None) < 2 and 0 not in sizes:
            return tf.reshape(self._tensor, [-1 if sizes[i] is None else sizes[i] for i in turn])
        return tf.transpose(self._tensor, turn)


def aligned(values: Sequence[Value]) -> tuple[list[Any], Order | None]:
    """Tensors that broadcast as in ONNX, and the order that they, and the result, have."""
    rank = max(value.rank for value in values)
    orders = (v.order for v in values if v.constant is None and v.rank == rank)
    order = next((order for order in orders if order), None)
    if order is None:
        return [value.onnx() for value in values], None
    return [_ranked(value, rank, order) for value in values], order


def _ranked(value: Value, rank: int, order: Order) -> Any:
    """A tensor of up to ``rank`` axes as one that broadcasts in this order."""
    import tensorflow as tf

    if value.rank == 0:
        return value.raw
    ones = [1] * (rank - value.rank)
    if value.constant is not None:
        array = value.constant.reshape([*ones, *value.constant.shape]).transpose(order)
        while array.ndim > 1 and array.shape[0] == 1:
            array = array[0]
        return tf.constant(array)
    if not ones:
        return value.ordered(order)
    tensor = value.onnx()
    sizes = [-1 if size is None else size for size in tensor.shape.as_list()]
    shape = [*ones, *sizes]
    if shape.count(-1) > 1:
        for _ in ones:
            tensor = tf.expand_dims(tensor, 0)
        return Value(tensor).ordered(order)
    return Value(tf.reshape(tensor, shape)).ordered(order)


def numbers(array: Any) -> list[int]:
    """Whole numbers of an array, one after another."""
    return [int(number) for number in np.asarray(array).reshape(-1)]
