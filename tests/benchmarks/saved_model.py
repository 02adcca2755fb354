"""Writes a Keras file as a SavedModel: the peers' converters refuse such files."""

from __future__ import annotations

import sys

import tensorflow as tf
import tf_keras


def main(file: str, folder: str) -> None:
    """Of a model with one input and one output, with the names of their layers."""
    network = tf_keras.models.load_model(file, compile=False)
    (given,), (name,) = network.inputs, network.output_names
    spec = tf.TensorSpec([None, *given.shape[1:]], given.dtype, network.input_names[0])

    @tf.function(input_signature=[spec])
    def serve(values: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: network(values, training=False)}

    tf.saved_model.save(network, folder, signatures={"serving_default": serve})


if __name__ == "__main__":
    main(*sys.argv[1:])
