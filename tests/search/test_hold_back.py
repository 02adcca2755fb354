"""Samples of a search: the calibration split divided, the test split never opened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from classes import PURPOSE, truth_of
from safetensors.numpy import load_file

from pipeline.base.errors import ConfigError
from pipeline.samples import folder
from pipeline.samples.folder import Split
from pipeline.search.hold_back import HoldBackOptions, choose_held, hold_back
from pipeline.tensors.per_sample import PerSample


def samples(path: Path, labels: np.ndarray | None, count: int = 40) -> Path:
    """A SAMPLES folder whose every input is its own number."""
    path.mkdir()
    inputs = {"x": np.arange(count, dtype=np.float32)[:, None]}
    truth = None if labels is None else truth_of(labels)
    few = truth.rows(np.arange(5)) if truth else None
    test = Split({"x": np.full((5, 1), np.nan, np.float32)}, few)
    origins = PerSample({"size": inputs["x"].astype(np.int64)})
    splits = {"calibration": Split(inputs, truth, origins), "test": test}
    folder.write(path, splits, description="numbers", license_name="MIT", task=PURPOSE)
    return path


def divided(tmp_path: Path, source: Path, **options: float) -> dict[str, dict[str, np.ndarray]]:
    work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
    work.mkdir()
    chosen = HoldBackOptions(**{"share": 0.25, "seed": 0, **options})
    hold_back({"samples": source}, chosen, work)
    return {
        name: {f.stem: next(iter(load_file(f).values())) for f in (work / name).iterdir()}
        for name in folder.SPLITS
    }


def test_each_class_is_held_back_in_its_share(tmp_path: Path) -> None:
    labels = np.repeat(np.array([0, 1], np.int64), [30, 10])
    splits = divided(tmp_path, samples(tmp_path / "s", labels), share=0.2)
    kept, held_back = splits["calibration"], splits["test"]
    assert np.bincount(held_back["truth"]).tolist() == [6, 2]
    every = np.concatenate([kept["inputs"], held_back["inputs"]]).ravel()
    assert sorted(every.tolist()) == list(range(40)), "each once, and nothing of the test split"
    numbers = held_back["inputs"].ravel().astype(int)
    assert (labels[numbers] == held_back["truth"]).all(), "labels stay with their inputs"
    assert (numbers == held_back["origins"].ravel()).all(), "and so does where they come from"


def test_the_test_split_is_not_opened(tmp_path: Path) -> None:
    source = samples(tmp_path / "s", np.zeros(40, np.int64))
    (source / "test" / "inputs.safetensors").write_bytes(b"poison")
    (source / "test" / "truth.safetensors").unlink()
    assert len(divided(tmp_path, source)["test"]["truth"]) == 10


def test_another_seed_holds_others_back(tmp_path: Path) -> None:
    source = samples(tmp_path / "s", None)
    first, again, other = (divided(tmp_path, source, seed=seed)["test"] for seed in (0, 0, 1))
    assert (first["inputs"] == again["inputs"]).all()
    assert (first["inputs"] != other["inputs"]).any()


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_both_parts_have_samples(share: float) -> None:
    assert choose_held(3, None, share, 0).sum() == 2
    assert 2 <= choose_held(5, None, share, 0).sum() <= 4, "of one, errors are a share of nothing"


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_samples_cannot_be_divided(tmp_path: Path, count: int) -> None:
    with pytest.raises(ConfigError, match=f"^samples: a search holds back 2.* (is|are) {count}"):
        divided(tmp_path, samples(tmp_path / "s", None, count=count))


def test_what_they_are_is_said(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    source = samples(tmp_path / "s", None)
    hold_back({"samples": source}, HoldBackOptions(share=0.25, seed=0), work)
    facts = json.loads((work / "samples.json").read_text())
    assert facts["splits"] == {"calibration": 30, "test": 10}
    assert (facts["description"], facts["license"]) == ("held back for a search: numbers", "MIT")
