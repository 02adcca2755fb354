"""The bundled digits are what LICENSE-DIGITS.md says."""

from __future__ import annotations

import numpy as np

from pipeline.bundled.digits import ATTRIBUTION, FILE, digits


def test_the_splits_are_the_documented_ones() -> None:
    with np.load(FILE, allow_pickle=False) as data:
        images, labels, split = data["images"], data["labels"], data["split"]
    assert (images.shape, images.dtype, images.min(), images.max()) == ((1797, 8, 8), "u1", 0, 16)
    assert (labels.shape, labels.dtype) == ((1797,), "u1")
    test = np.random.default_rng(0).permutation(1797)[:360]
    expected = np.full(1797, "calibration")
    expected[test] = "test"
    np.testing.assert_array_equal(split, expected)


def test_every_digit_is_in_every_split() -> None:
    for split, count in {"calibration": 1437, "test": 360}.items():
        images, labels = digits(split)
        assert (images.shape, images.dtype) == ((count, 8, 8), np.uint8)
        assert labels.dtype == np.int64
        assert np.bincount(labels).min() > count / 15
        assert set(np.unique(images)) == {round(ink * 255 / 16) for ink in range(17)}


def test_no_image_is_in_both_splits() -> None:
    calibration, test = (
        {image.tobytes() for image in digits(s)[0]} for s in ("calibration", "test")
    )
    assert not calibration & test


def test_the_source_is_attributed() -> None:
    text = FILE.with_name("LICENSE-DIGITS.md").read_text()
    assert "creativecommons.org/licenses/by/4.0" in text
    for part in ("Alpaydin", "Kaynak", "10.24432/C50P49"):
        assert part in text
        assert part in ATTRIBUTION
