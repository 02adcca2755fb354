"""Samples from NumPy archives, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading import reading
from safetensors.numpy import load_file

from pipeline.base.errors import PipelineError, SourceError
from pipeline.samples import npz
from pipeline.samples.read import read as read_samples
from pipeline.tensors.signature import TensorSpec

SPECS = (TensorSpec("x", "float32", (None, 3)), TensorSpec("ids", "int32", (None, None)))
X = np.arange(30, dtype=np.float32).reshape(10, 3)
IDS = np.arange(40, dtype=np.int32).reshape(10, 4)

Read = Callable[..., Path]


TASK = "image-classification"


@pytest.fixture
def read(frozen: Callable[..., dict[str, Path]], work: Path, tmp_path: Path) -> Read:
    """Writes an archive, reads it as samples and gives the samples' folder."""

    def run(arrays: dict[str, Any], **more: Any) -> Path:
        file = tmp_path / "samples.npz"
        np.savez_compressed(file, **arrays)
        options = reading("npz", {"file": file, **more}, task=TASK)
        read_samples({**frozen(*SPECS), "file": file}, options, work)
        return work

    return run


def test_arrays_and_labels_are_dealt_to_splits_together(read: Read) -> None:
    folder = read({"x": X, "ids": IDS, "labels": np.arange(10)}, test_share=0.3)
    described = json.loads((folder / "samples.json").read_text())
    assert described["splits"] == {"calibration": 7, "test": 3}
    assert described["labelled"] is True
    for split in described["splits"]:
        arrays = load_file(folder / split / "inputs.safetensors")
        labels = load_file(folder / split / "truth.safetensors")["label"]
        np.testing.assert_array_equal(arrays["x"], X[labels])
        np.testing.assert_array_equal(arrays["ids"], IDS[labels])


def test_the_split_of_the_file_is_kept(read: Read) -> None:
    split = np.array(["test"] * 2 + ["calibration"] * 8)
    folder = read({"x": X, "ids": IDS, "split": split})
    np.testing.assert_array_equal(load_file(folder / "test" / "inputs.safetensors")["x"], X[:2])
    assert not (folder / "test" / "truth.safetensors").exists()
    assert json.loads((folder / "samples.json").read_text())["labelled"] is False


def test_one_sample_stands_in_both_splits(read: Read) -> None:
    folder = read({"x": X[:1], "ids": IDS[:1]})
    for split in ("calibration", "test"):
        assert load_file(folder / split / "inputs.safetensors")["x"].shape == (1, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": X}, "samples are named ids, x, y, the model's inputs ids, x"),
        ({"x": X[:, :2]}, r"samples for x are \[2\], the model reads \[3\] per sample"),
        ({"x": X.astype(np.float64)}, "x is float64, the model reads float32"),
        ({"x": np.where(X == 4, np.nan, X)}, "x holds NaN or infinity"),
        ({"x": X[:9]}, "every array needs the same number of samples"),
        ({"x": X[:0], "ids": IDS[:0]}, "at least one"),
        ({"labels": np.arange(9)}, "'truth': 9"),
        ({"labels": X}, r"sample 0 has no class: its label is array"),
        ({"split": np.array(["test"] * 10)}, "calibration or test for every sample"),
        ({"split": np.array(["test", "train"] * 5)}, "calibration or test for every sample"),
    ],
)
def test_what_does_not_fit_is_named(read: Read, change: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        read({"x": X, "ids": IDS} | change)


def test_pickled_objects_are_not_loaded(read: Read) -> None:
    with pytest.raises(SourceError, match=r"not a \.npz file of plain arrays"):
        read({"x": np.array([{"a": 1}] * 10, object), "ids": IDS})


def test_a_file_that_unpacks_to_too_much_is_refused(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "MAX_BYTES", 100)
    with pytest.raises(SourceError, match="unpacks to"):
        read({"x": X, "ids": IDS})


def test_a_file_of_another_kind_is_refused(
    frozen: Callable[..., dict[str, Path]], work: Path, tmp_path: Path
) -> None:
    file = tmp_path / "samples.npz"
    file.write_bytes(b"PK\x03\x04 and nothing else")
    options = reading("npz", {"file": file})
    with pytest.raises(SourceError, match=r"samples.npz: is not a \.npz file of plain arrays"):
        read_samples({**frozen(*SPECS), "file": file}, options, work)


def test_where_the_file_lies_does_not_matter_to_the_key() -> None:
    here, there, other = (
        reading("npz", {"file": path}).key()
        for path in ("/here/x.npz", "/there/x.npz", "/here/y.npz")
    )
    assert here == there != other
