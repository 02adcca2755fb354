"""What makes and reads complex numbers, of pairs of real tensors.

Fourier transforms are products with matrices of cosines and sines, as exact as float32's sums are,
and for the few hundred values of a frame about as fast. ``tf.signal.stft`` and ``inverse_stft`` are
made of them. Each rule gives a function of an operator's inputs, complex ones as (real, imaginary).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipeline.graphs.tensorflow.splicing import Build, Rewrite
from pipeline.tensors.arrays import Float64s, np
from pipeline.weights.tables import turns

Pair = tuple[Any, Any]

#: What makes real numbers of complex ones.
REAL = frozenset(("Angle", "ComplexAbs", "IRFFT", "Imag", "Real"))


def rfft(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """The first half of the transform of a signal, [..., n // 2 + 1].

    A signal shorter than n ends in zeros, a longer one is cut.
    """
    signal, length = tensors[node.input[0]], _length(node, tensors)
    if length is None or not signal.shape.rank or signal.shape[-1] is None:
        return None
    used = min(signal.shape[-1], length)
    cosines, sines = (matrix[:used, : length // 2 + 1] for matrix in _waves(length))

    def build(x: Any, _: Any) -> Pair:
        return _product(x[..., :used], cosines), _product(x[..., :used], 0.0 - sines)

    return build


def irfft(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """The signal, [..., n], of which n // 2 + 1 values are the first half of the transform.

    The other half is conjugate to it, so that all but the first and the middle one count twice.
    """
    length = _length(node, tensors)
    if length is None or tensors[node.input[0]].shape.rank is None:
        return None
    bins = length // 2 + 1
    twice = np.full([bins, 1], 2.0)
    twice[0] = 1
    if length % 2 == 0:
        twice[-1] = 1
    cosines, sines = (matrix[:bins] * twice / length for matrix in _waves(length))

    def build(x: Pair, _: Any) -> Any:
        real, imaginary = (part[..., :bins] for part in x)
        return _product(real, cosines) - _product(imaginary, sines)

    return build


def _length(node: Any, tensors: Mapping[str, Any]) -> int | None:
    import tensorflow as tf

    value = tf.get_static_value(tensors[node.input[1]])
    return None if value is None else int(value[0])


def fourier(axes: tuple[int, ...], direction: int) -> Rewrite:
    """The rule of a transform of complex numbers along axes, or of its inverse (-1)."""

    def rule(node: Any, tensors: Mapping[str, Any]) -> Build | None:
        shape = tensors[node.input[0]].shape
        if shape.rank is None or any(shape[axis] is None for axis in axes):
            return None

        def build(x: Pair) -> Pair:
            for axis in axes:
                x = _along(x, axis, direction)
            return x

        return build

    return rule


def _along(x: Pair, axis: int, direction: int) -> Pair:
    """A transform along the last axis, or the one before it."""
    import tensorflow as tf

    rank, length = x[0].shape.rank, int(x[0].shape[axis])
    order = [*range(rank - 2), rank - 1, rank - 2]
    turn: Build = tf.identity if axis == -1 else partial(tf.transpose, perm=order)
    real, imaginary = map(turn, x)
    share = 1 if direction == 1 else 1 / length
    cosines, sines = (matrix * share for matrix in _waves(length))
    sines = sines * direction
    new_real = _product(real, cosines) + _product(imaginary, sines)
    new_imaginary = _product(imaginary, cosines) - _product(real, sines)
    return turn(new_real), turn(new_imaginary)


def _product(signal: Any, matrix: Float64s) -> Any:
    """[..., n] x [n, m] as one product of two matrices."""
    import tensorflow as tf

    constant = tf.constant(matrix, signal.dtype)
    rows = tf.matmul(tf.reshape(signal, [-1, matrix.shape[0]]), constant)
    sizes = signal.shape.as_list()[:-1]
    if sizes.count(None) <= 1:
        sizes = [-1 if size is None else size for size in sizes]
        return tf.reshape(rows, [*sizes, matrix.shape[1]])
    return tf.reshape(rows, tf.concat([tf.shape(signal)[:-1], [matrix.shape[1]]], 0))


def _waves(length: int) -> tuple[Float64s, Float64s]:
    """cos and sin of 2 pi jk / n, [n, n]; angles are reduced, so that they are exact.

    Zeros are zeros: of a number without an imaginary part the angle is 0 or pi, never -pi.
    """
    shares = turns(length, length, length)
    angles = 2 * np.pi * shares
    cosines = np.where(shares % 0.5 == 0.25, 0.0, np.cos(angles))
    return cosines, np.where(shares % 0.5 == 0, 0.0, np.sin(angles))


def cast(node: Any, tensors: Mapping[str, Any]) -> Build | None:
    """Real numbers without an imaginary part, or complex ones that lose theirs."""
    import tensorflow as tf

    target = tf.as_dtype(node.attr["DstT"].type)
    if not target.is_complex:
        return lambda x: tf.cast(x[0], target)
    kind = target.real_dtype
    if tensors[node.input[0]].dtype.is_complex:
        return lambda x: (tf.cast(x[0], kind), tf.cast(x[1], kind))

    def build(x: Any) -> Pair:
        real = tf.cast(x, kind)
        return real, tf.zeros_like(real)

    return build


def constant(node: Any, tensors: Mapping[str, Any]) -> Build:
    import tensorflow as tf

    value = tf.make_ndarray(node.attr["value"].tensor)
    return lambda: (tf.constant(value.real), tf.constant(value.imag))


def _always(make: Callable[[], Build]) -> Rewrite:
    """A rule of an operator without attributes."""
    return lambda node, tensors: make()


def _absolute() -> Build:
    import tensorflow as tf

    return lambda x: tf.sqrt(x[0] * x[0] + x[1] * x[1])


def _angle() -> Build:
    import tensorflow as tf

    return lambda x: tf.atan2(x[1], x[0])


def _exponential() -> Build:
    import tensorflow as tf

    return lambda x: (tf.exp(x[0]) * tf.cos(x[1]), tf.exp(x[0]) * tf.sin(x[1]))


def _times(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _over(a: Pair, b: Pair) -> Pair:
    real, imaginary = _times(a, (b[0], -b[1]))
    square = b[0] * b[0] + b[1] * b[1]
    return real / square, imaginary / square


def _sum(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], a[1] + b[1]


RULES: dict[str, Rewrite] = {
    "Add": _always(lambda: _sum),
    "AddV2": _always(lambda: _sum),
    "Angle": _always(_angle),
    "Cast": cast,
    "Complex": _always(lambda: lambda real, imaginary: (real, imaginary)),
    "ComplexAbs": _always(_absolute),
    "Conj": _always(lambda: lambda x: (x[0], -x[1])),
    "Const": constant,
    "Exp": _always(_exponential),
    "FFT": fourier((-1,), 1),
    "FFT2D": fourier((-1, -2), 1),
    "IFFT": fourier((-1,), -1),
    "IFFT2D": fourier((-1, -2), -1),
    "IRFFT": irfft,
    "Imag": _always(lambda: lambda x: x[1]),
    "Mul": _always(lambda: _times),
    "Neg": _always(lambda: lambda x: (-x[0], -x[1])),
    "RFFT": rfft,
    "Real": _always(lambda: lambda x: x[0]),
    "RealDiv": _always(lambda: _over),
    "Square": _always(lambda: lambda x: _times(x, x)),
    "Sub": _always(lambda: lambda a, b: (a[0] - b[0], a[1] - b[1])),
}
