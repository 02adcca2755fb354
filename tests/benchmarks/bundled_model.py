"""Writes the bundled model as a SavedModel: the converter refuses its Keras file."""

from __future__ import annotations

import sys

import tensorflow as tf
import tf_keras


def main(file: str, folder: str) -> None:
    network = tf_keras.models.load_model(file, compile=False)

    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32, "image")])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": network(image, training=False)}

    tf.saved_model.save(network, folder, signatures={"serving_default": serve})


if __name__ == "__main__":
    main(*sys.argv[1:])
