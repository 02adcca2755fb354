"""A wide layer's inputs in blocks, each with a Hessian of its own.

A Hessian's bytes grow with the square of the inputs and its inverse's time with the cube: 25088
inputs of a product behind a flattened image would take 5 GB and hours. Inputs that lie far apart
make up little for each other.
"""

from __future__ import annotations

from typing import Any

from pipeline.tensors.arrays import Array, np

#: A layer of more inputs than this has them in blocks.
MOST_INPUTS = 4096

#: Inputs of a block.
BLOCK_INPUTS = 1024


def split(weights: Array) -> Array:
    """[groups, inputs, outputs], or where that is too wide [blocks, inputs, outputs].

    The last block is filled up with zeros.
    """
    _, inputs, outputs = weights.shape
    if inputs <= MOST_INPUTS:
        return weights
    padded = np.pad(weights, ((0, 0), (0, -inputs % BLOCK_INPUTS), (0, 0)))
    return padded.reshape(-1, BLOCK_INPUTS, outputs)


def join_blocks(parts: Array, shape: tuple[int, ...]) -> Array:
    """What ``split`` made of weights [groups, inputs, outputs] of this shape, undone."""
    return parts.reshape(shape[0], -1, shape[2])[:, : shape[1]]


def split_rows(rows: Any) -> Any:
    """The same for a tensor of what weights are multiplied with, [groups, rows, inputs]."""
    import tensorflow as tf

    inputs = int(rows.shape[2])
    if inputs <= MOST_INPUTS:
        return rows
    padded = tf.pad(rows, [[0, 0], [0, 0], [0, -inputs % BLOCK_INPUTS]])
    parts = tf.reshape(padded, [rows.shape[1], -1, BLOCK_INPUTS])
    return tf.transpose(parts, [1, 0, 2])
