"""A model with an input of every dtype that is not TF.js' own, and outputs of some."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

#: In a process of its own: the tests' own needs no TensorFlow.
SAVE = """
import sys
import numpy as np
import tensorflow as tf

chance = np.random.default_rng(0)
table = tf.constant(chance.normal(size=(8, 4)), tf.float32)
weights = tf.constant(chance.normal(size=(4, 3)), tf.float32)


class Typed(tf.Module):
    def __call__(self, ids, pixels, signed, wide, mask):
        known = tf.reduce_sum(tf.gather(table, ids), 1) + tf.cast(pixels, tf.float32) / 8
        known += tf.cast(signed, tf.float32) + tf.cast(wide, tf.float32)
        signed_score = tf.where(mask, known, -known) @ weights
        return {
            "score": signed_score,
            "next": ids + 1,
            "exact": tf.cast(signed_score, tf.float64),
            "up": signed_score > 0,
        }


dtypes = {"ids": "int64", "pixels": "uint8", "signed": "int8", "wide": "float64", "mask": "bool"}
specs = {name: tf.TensorSpec([None, 4], dtype, name=name) for name, dtype in dtypes.items()}
model = Typed()
run = tf.function(lambda **inputs: model(**inputs)).get_concrete_function(**specs)
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": run})
"""

#: What its artifacts take and give: float64 of the source is float32 in them.
INPUTS = {"ids": "int64", "pixels": "uint8", "signed": "int8", "wide": "float32", "mask": "bool"}
OUTPUTS = {"score": "float32", "next": "int64", "exact": "float32", "up": "bool"}
CONVERTED = {"wide", "exact"}


def save(folder: Path) -> Path:
    """Write it as a SavedModel."""
    command = [sys.executable, "-c", SAVE, str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def config(folder: Path, backends: list[str]) -> dict[str, Any]:
    """A config of it, with both formats that a signature of many dtypes can have."""
    return {
        "name": "typed",
        "license": "MIT",
        "source": {"saved_model": str(folder)},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": backends, "gates": {"default": {"max_abs_error": 1e-4}}},
    }
