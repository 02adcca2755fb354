"""A model with an input of every dtype that is not TF.js' own, and outputs of some.

It is committed, since TensorFlow takes longer to start than all that is tested with it. Write it
anew from the repository's root: ``python tests/client/typed_model.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "fixtures" / "typed"
DTYPES = {"ids": "int64", "pixels": "uint8", "signed": "int8", "wide": "float64", "mask": "bool"}
#: What its artifacts take and give: float64 of the source is float32 in them.
INPUTS = {**DTYPES, "wide": "float32"}
OUTPUTS = {"score": "float32", "next": "int64", "exact": "float32", "up": "bool"}
CONVERTED = {"wide", "exact"}


def save() -> None:
    """Write it as a SavedModel."""
    import numpy as np
    import tensorflow as tf

    chance = np.random.default_rng(0)
    table = tf.constant(chance.normal(size=(8, 4)), tf.float32)
    weights = tf.constant(chance.normal(size=(4, 3)), tf.float32)

    def call(ids: Any, pixels: Any, signed: Any, wide: Any, mask: Any) -> dict[str, Any]:
        known = tf.reduce_sum(tf.gather(table, ids), 1) + tf.cast(pixels, tf.float32) / 8
        known += tf.cast(signed, tf.float32) + tf.cast(wide, tf.float32)
        score = tf.where(mask, known, -known) @ weights
        exact = tf.cast(score, tf.float64)
        return {"score": score, "next": ids + 1, "exact": exact, "up": score > 0}

    specs = {name: tf.TensorSpec([None, 4], dtype, name=name) for name, dtype in DTYPES.items()}
    run = tf.function(call).get_concrete_function(**specs)
    tf.saved_model.save(tf.Module(), str(FOLDER), signatures={"serving_default": run})
    (FOLDER / "fingerprint.pb").unlink()


def config(backends: list[str]) -> dict[str, Any]:
    """A config of it, with both formats that a signature of many dtypes can have."""
    return {
        "name": "typed",
        "license": "MIT",
        "source": {"saved_model": str(FOLDER)},
        "variants": {"fp32": {}},
        "export": {"tfjs-graph": {}, "onnx": {}},
        "validate": {"backends": backends, "gates": {"default": {"max_abs_error": 1e-4}}},
    }


if __name__ == "__main__":
    save()
