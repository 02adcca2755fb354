"""A graph as a Keras model that teaches: it answers, and has no layers to learn with."""

from __future__ import annotations

from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.sources.contract import LoadedModel
from pipeline.tensors.signature import TensorSpec


def teacher_of(loaded: LoadedModel, technique: str) -> Any:
    """A ``tf_keras.Model`` of one input and one output that calls a loaded model.

    What was made for a batch of one is asked about one sample after another.

    Raises:
        PipelineError: the model has several inputs or outputs.
    """
    import tensorflow as tf
    import tf_keras

    from pipeline.graphs.tensorflow.outline import count_parameters, is_softmax
    from pipeline.sources.tensorflow.constants import one_function, with_constants

    spec, output = _only(loaded, technique)
    function = one_function(loaded)
    raw = with_constants(function)
    soft = is_softmax(raw.outputs[0].partition(":")[0], raw.graph_def)
    (result,) = function.outputs

    class Graph(tf_keras.layers.Layer):  # type: ignore[misc]
        #: As layers of Keras say it, for what learns to answer as this one does.
        activation = staticmethod(getattr(tf_keras.activations, "softmax" if soft else "linear"))

        def call(self, samples: Any) -> Any:
            if spec.shape[0] is None:
                return function(samples)[0]
            kind = tf.TensorSpec(result.shape[1:], result.dtype)
            return tf.map_fn(
                lambda sample: function(sample[None])[0][0], samples, fn_output_signature=kind
            )

    class Teacher(tf_keras.Model):  # type: ignore[misc]
        def count_params(self) -> int:
            return count_parameters(function, raw.graph_def)

    sample = tf_keras.Input(spec.shape[1:], dtype=spec.dtype, name=spec.name)
    return Teacher(sample, Graph(name=output.name)(sample), name="teacher")


def _only(loaded: LoadedModel, technique: str) -> tuple[TensorSpec, TensorSpec]:
    """Its input and its output."""
    specs = (*loaded.signature.inputs, *loaded.signature.outputs)
    if len(specs) > 2:
        raise PipelineError(
            f"only a graph of one input and one output can teach; this one has "
            f"{', '.join(spec.name for spec in specs)}",
            where=technique,
            todo=f"name one output in source.outputs, or leave {technique} out",
        )
    return specs[0], specs[1]
