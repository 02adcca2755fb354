"""Runs TF.js graph artifacts in TensorFlow: the graph and weights of the artifact, no browser.

What differs from the golden here went wrong in conversion or quantization, and what differs only
in a browser went wrong there. Not part of ``all``: no user runs it, and it imports TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.backends.cpu import cpu_name
from pipeline.backends.native.backend import NativeBackend
from pipeline.backends.native.runtime import NativeSession
from pipeline.backends.session import Hardware
from pipeline.backends.tfjs_graph import graph_def_of, read_weights
from pipeline.base.errors import PipelineError
from pipeline.tensors.arrays import Array, Arrays
from pipeline.tensors.pruned import prune, wrap


class TensorflowSession(NativeSession):
    """A TF.js graph model as a TensorFlow function."""

    @property
    def hardware(self) -> Hardware:
        import tensorflow as tf

        details = {
            "engine": "tensorflow",
            "engine_version": tf.__version__,
            "threads": tf.config.threading.get_intra_op_parallelism_threads() or None,
        }
        return Hardware("cpu", cpu_name(), details)

    def _load(self) -> Any:
        import tensorflow as tf

        model = json.loads(self._entry.read_text())
        specs = {"inputs": self._signature.inputs, "outputs": self._signature.outputs}
        names = {
            side: [model["signature"][side][spec.name]["name"] for spec in specs[side]]
            for side in specs
        }
        weights = read_weights(model["weightsManifest"], self._entry.parent)
        try:
            return function_of(model, weights, names["inputs"], names["outputs"])
        except (ValueError, tf.errors.OpError) as error:
            raise PipelineError(
                f"TensorFlow cannot load it: {error}", where=str(self._entry)
            ) from error

    def _batch(self, inputs: Arrays) -> dict[str, Array]:
        import tensorflow as tf

        tensors = [tf.constant(inputs[spec.name]) for spec in self._signature.inputs]
        names = [spec.name for spec in self._signature.outputs]
        results = self._session(*tensors)
        return {name: result.numpy() for name, result in zip(names, results, strict=True)}


BACKEND = NativeBackend(
    name="tensorflow",
    formats=("tfjs-graph",),
    lane="tensorflow",
    tools=("tensorflow", "numpy"),
    extra=True,
    module="tensorflow",
    session=TensorflowSession,
)


def function_of(
    model: Mapping[str, Any],
    weights: Iterable[tuple[str, Array]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    fed: Mapping[str, Array] | None = None,
) -> Any:
    """A TensorFlow function of a TF.js graph model.

    Args:
        model: its ``model.json``.
        weights: name and values of each.
        inputs: tensors that are given to it.
        outputs: tensors that it gives.
        fed: weights that are given to it too, behind the inputs.

    Raises:
        ValueError, tensorflow.errors.OpError: TensorFlow does not take the graph.
    """
    fed = fed or {}
    graph = graph_def_of(model, weights, fed)
    return prune(wrap(graph), [*inputs, *(f"{name}:0" for name in fed)], [*outputs])
