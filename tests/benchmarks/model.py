"""Makes the benchmark's model: MobileNet v1 224 as a SavedModel.

Weights are random, since the trained ones cannot always be had; batch-norm
statistics are then set from data, without which every output is 0.001.
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf
import tf_keras


def main(folder: str) -> None:
    tf_keras.utils.set_random_seed(0)
    network = tf_keras.applications.MobileNet(weights=None)
    norms = [x for x in network.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    coarse = np.random.default_rng(0).uniform(-1, 1, size=(16, 7, 7, 3)).astype(np.float32)
    network(tf.image.resize(coarse, (224, 224)), training=True)

    @tf.function(input_signature=[tf.TensorSpec([None, 224, 224, 3], tf.float32, "image")])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": network(image, training=False)}

    tf.saved_model.save(network, folder, signatures={"serving_default": serve})


if __name__ == "__main__":
    main(sys.argv[1])
