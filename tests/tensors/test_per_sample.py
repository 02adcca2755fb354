"""What is known of samples: arrays with a row each, and with any number of rows each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.tensors.per_sample import PerSample, ragged

BOXES = [np.arange(8.0).reshape(2, 4), np.zeros((0, 4)), np.full((1, 4), 9.0)]


@pytest.fixture
def truth() -> PerSample:
    return PerSample({"size": np.array([[4, 5], [6, 7], [8, 9]]), **ragged({"boxes": BOXES})})


def test_a_sample_has_its_rows_and_no_others(truth: PerSample) -> None:
    assert len(truth) == 3 and truth.names == ["size", "boxes"]
    for index, boxes in enumerate(BOXES):
        np.testing.assert_array_equal(truth.sample(index)["boxes"], boxes)
    assert truth.sample(2)["size"].tolist() == [8, 9]


def test_chosen_samples_keep_theirs_in_any_order_and_number(truth: PerSample) -> None:
    chosen = truth.rows(np.array([2, 0, 0, 1]))
    assert chosen.arrays["boxes.offsets"].tolist() == [0, 1, 3, 5, 5]
    for row, index in enumerate([2, 0, 0, 1]):
        np.testing.assert_array_equal(chosen.sample(row)["boxes"], BOXES[index])
    assert chosen.arrays["size"][0].tolist() == [8, 9]


def test_a_file_holds_them(truth: PerSample, tmp_path: Path) -> None:
    assert PerSample.read(tmp_path) is None
    truth.write(tmp_path)
    found = PerSample.read(tmp_path)
    assert found is not None and found.arrays.keys() == truth.arrays.keys()
    np.testing.assert_array_equal(found.sample(0)["boxes"], BOXES[0])


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"a": np.zeros((0, 2))},
        {"a": np.zeros(3), "b": np.zeros(4)},
        {"a": np.zeros(3), "a.offsets": np.array([0, 2])},
        {"a": np.zeros(3), "a.offsets": np.array([0, 4, 3])},
        {"a": np.zeros(3), "a.offsets": np.array([1, 3])},
        {"a": np.zeros(3), "a.offsets": np.array([], np.int64)},
    ],
)
def test_arrays_that_are_not_of_the_same_samples_are_refused(arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"every array needs|does not divide"):
        PerSample(arrays)
