"""Writes real Fourier transforms as products with matrices of cosines and sines.

``tf.signal.stft`` is made of them. TF.js' wasm has no kernel of a complex number, and ONNX no
operator for its absolute value; a matrix of real numbers all have. It is as exact as float32's sums
are, and for the few hundred values of a frame about as fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.tensors.arrays import Float32s, np

#: What makes real numbers of complex ones.
REAL = frozenset(("ComplexAbs", "Real", "Imag"))


def spectra(graph_def: Any, tensors: dict[str, Any]) -> Iterator[tuple[Any, str, int]]:
    """The nodes that make real numbers of an RFFT, what that reads, and its length.

    An RFFT whose complex numbers something else reads stays as it is.

    Args:
        tensors: those of the graph, by the names by which nodes read them.
    """
    constants = {node.name: node for node in graph_def.node if node.op == "Const"}
    for node in graph_def.node:
        fixed = constants.get(node.input[1].split(":")[0]) if node.op == "RFFT" else None
        if fixed is None:
            continue
        readers = _readers(graph_def, node.name)
        if readers and all(reader.op in REAL for reader in readers):
            length = int(_value(fixed)[0])
            if tensors[node.input[0]].shape[-1] is not None:
                yield from ((reader, node.input[0], length) for reader in readers)


def _value(constant: Any) -> Any:
    import tensorflow as tf

    return tf.make_ndarray(constant.attr["value"].tensor)


def _readers(graph_def: Any, name: str) -> list[Any]:
    """What reads a node, also behind nodes that only pass it on."""
    found = []
    for node in graph_def.node:
        if name in (source.split(":")[0] for source in node.input):
            found += _readers(graph_def, node.name) if node.op == "Identity" else [node]
    return found


def real_part(operator: str, length: int) -> Any:
    """A function that builds one of ``REAL`` of the first half of a signal's transform.

    Args:
        length: of the transform; a shorter signal [..., n] ends in zeros, a longer one is cut.
    """
    import tensorflow as tf

    def build(signal: Any) -> Any:
        used = min(int(signal.shape[-1]), length)
        signal = signal[..., :used]
        cosines, sines = (matrix[:used] for matrix in _matrices(length))
        if operator == "Real":
            return _product(signal, cosines)
        if operator == "Imag":
            return -_product(signal, sines)
        squares = _product(signal, cosines) ** 2 + _product(signal, sines) ** 2
        return tf.sqrt(squares)

    return build


def _product(signal: Any, matrix: Float32s) -> Any:
    """[..., n] x [n, m] as one product of two matrices."""
    import tensorflow as tf

    rows = tf.matmul(tf.reshape(signal, [-1, matrix.shape[0]]), tf.constant(matrix))
    known = signal.shape.as_list()[:-1]
    if known.count(None) <= 1:
        sizes = [-1 if size is None else size for size in known]
        return tf.reshape(rows, [*sizes, matrix.shape[1]])
    return tf.reshape(rows, tf.concat([tf.shape(signal)[:-1], [matrix.shape[1]]], 0))


def _matrices(length: int) -> tuple[Float32s, Float32s]:
    """cos and sin of 2 pi jk / n, [n, n // 2 + 1]; angles are reduced, so that they are exact."""
    turns = np.outer(np.arange(length), np.arange(length // 2 + 1)) % length / length
    angles = 2 * np.pi * turns
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
