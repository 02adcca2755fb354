"""A variant that misses its gate is told the line that keeps it, and with that line it is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import yaml
from commands import pipeline

LENGTH = 64


def save(folder: Path) -> None:
    """Filters, the logarithm of what they let through, and a layer."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    angles = 2 * np.pi * np.outer(np.arange(LENGTH), np.geomspace(1 / LENGTH, 0.5, 40))
    filters = (np.hanning(LENGTH)[:, None] * np.cos(angles)).astype(np.float32)
    weights = random.normal(0, 0.2, (40, 10)).astype(np.float32)

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, LENGTH], tf.float32, name="x")])
        def __call__(self, x):
            loud = tf.math.log((x @ tf.constant(filters)) ** 2 + 1e-9)
            return {"y": loud @ tf.constant(weights)}

    model = Model()
    tf.saved_model.save(model, folder, signatures={"serving_default": model.__call__})


def tones() -> np.ndarray:
    random = np.random.default_rng(1)
    waves = np.sin(2 * np.pi * np.arange(LENGTH) / LENGTH * random.uniform(3, 30, (32, 1)))
    return waves.astype(np.float32)


def test_the_error_names_a_line_that_helps(tmp_path: Path) -> None:
    save(tmp_path / "saved")
    np.savez(tmp_path / "samples.npz", x=tones())
    config = {
        "name": "listener",
        "license": "MIT",
        "source": {"saved_model": "saved"},
        "samples": {"npz": {"file": "samples.npz"}},
        "variants": {"fp32": {}, "uint8": {"quantize": "uint8"}},
        "export": {"onnx": {}},
        "validate": {
            "backends": ["onnxruntime-cpu"],
            "gates": {"default": {"relative_error": 0.1}},
        },
    }
    (tmp_path / "listener.yaml").write_text(yaml.safe_dump(config))
    command = ("validate", tmp_path / "listener.yaml", "--store", tmp_path / "store")

    missed = pipeline(*command, check=3)
    line = re.search(r"in the config \((variants.uint8.quantize): (\{.*\}\})\)", missed.stderr)
    assert line, missed.stderr
    assert line[2] == "{to: uint8, keep: {relative_error: 0.05}}"

    kept = pipeline(*command, "--set", f"{line[1]}={line[2]}")
    assert "(of the most damage) stayed float32: " in kept.stdout
    told = json.loads(pipeline(*command, "--set", f"{line[1]}={line[2]}", "--json").stdout)
    (weights,) = (a["weights"] for a in told["manifest"]["artifacts"] if "weights" in a)
    assert weights["keep"]["measured"]["relative_error"] <= 0.05
    assert weights["exact"][0]["shape"] == [LENGTH, 40]
    assert weights["more_bytes"] >= 2 * LENGTH * 40
