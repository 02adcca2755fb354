"""A frozen graph as a SavedModel, which the peers' converters read: python frozen_model.py FROZEN
TARGET.

In a process of its own, since TensorFlow keeps what it once took of the memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf

from pipeline.artifacts.frozen import Frozen


def save(frozen: Frozen, target: Path) -> None:
    """Write a SavedModel with the frozen graph's inputs and outputs as its signature."""
    signature = frozen.signature
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(frozen.graph_def(), name="")
        inputs, outputs = (
            {spec.name: graph.get_tensor_by_name(f"{spec.name}:0") for spec in specs}
            for specs in (signature.inputs, signature.outputs)
        )
        tf.compat.v1.saved_model.simple_save(session, str(target), inputs, outputs)


if __name__ == "__main__":
    save(Frozen(Path(sys.argv[1])), Path(sys.argv[2]))
