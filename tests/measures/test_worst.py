from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from pipeline.measures.worst import COUNT, FILE, keep_worst, sample_errors


def test_the_worst_samples_come_first_with_their_outputs(tmp_path: Path) -> None:
    golden = {"a": np.zeros((20, 3), np.float32), "b": np.zeros((20,), np.float32)}
    outputs = {name: values.copy() for name, values in golden.items()}
    outputs["a"][7, 1] = -0.5
    outputs["b"][3] = 0.75
    kept = keep_worst(outputs, golden, tmp_path)
    assert len(kept) == COUNT
    assert kept[:2] == [{"sample": 3, "error": 0.75}, {"sample": 7, "error": 0.5}]
    assert [one["sample"] for one in kept[2:]] == [0, 1, 2, 4, 5, 6], "equals in their order"
    saved = load_file(tmp_path / FILE)
    assert saved["b"][0] == 0.75 and saved["a"][1, 1] == -0.5
    assert saved["a"].shape == (COUNT, 3)


def test_what_is_not_finite_is_the_worst(tmp_path: Path) -> None:
    golden = {"a": np.zeros((3, 2), np.float32)}
    outputs = {"a": np.array([[9, 0], [0, np.nan], [np.inf, 0]], np.float32)}
    kept = keep_worst(outputs, golden, tmp_path)
    assert [one["sample"] for one in kept] == [1, 2, 0]
    assert np.isfinite([one["error"] for one in kept]).all()


def test_integers_do_not_wrap_around() -> None:
    golden = {"a": np.array([[0], [255]], np.uint8)}
    outputs = {"a": np.array([[1], [0]], np.uint8)}
    assert sample_errors(outputs, golden).tolist() == [1, 255]
