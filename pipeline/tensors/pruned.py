"""Parts of a TensorFlow graph as functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def wrap(graph_def: Any) -> Any:
    """What ``prune`` takes parts of: the graph of a GraphDef, with its names."""
    import tensorflow as tf

    return tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph_def, name=""), [])


def prune(wrapped: Any, feeds: Sequence[Any], fetches: Any) -> Any:
    """What computes ``fetches`` from tensors in the order of ``feeds``.

    It is told its signature: TensorFlow binds what it is called with to one first, and without it
    would write all values into an error at each call, before it goes by the feeds.

    Args:
        wrapped: what ``wrap`` made of a graph.
        feeds: its tensors, or their names.
        fetches: tensors or names, in any structure; results have it too.
    """
    import tensorflow as tf

    tensors = [wrapped.graph.as_graph_element(feed) for feed in feeds]
    specs = tuple(tf.TensorSpec(None, tensor.dtype) for tensor in tensors)
    return wrapped.prune(tensors, fetches, input_signature=(specs, {}))
