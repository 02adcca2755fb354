"""Drawings of digits: what is said to be in them is there, and of one split alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.bundled.digits import digits
from pipeline.bundled.drawings import SIZE, draw, drawings

TEST = list(drawings("test"))


def test_they_are_the_same_each_time_and_differ_from_each_other() -> None:
    again = list(itertools.islice(drawings("test"), 20))
    for (image, objects), (other, same) in zip(TEST, again, strict=False):
        np.testing.assert_array_equal(image, other)
        assert objects == same
    assert len({image.tobytes() for image, _ in TEST}) == len(TEST) == 150
    calibration = next(drawings("calibration"))[0]
    assert calibration.tobytes() not in {image.tobytes() for image, _ in TEST}


def test_each_box_holds_ink_up_to_its_edges_and_no_other_box() -> None:
    for image, objects in TEST:
        assert (image.dtype, image.shape) == (np.uint8, (SIZE, SIZE))
        inside = np.zeros((SIZE, SIZE), int)
        paper = np.median(image)
        for one in objects:
            left, top, wide, tall = one["box"]
            assert min(left, top) >= 0 and max(left + wide, top + tall) <= SIZE
            assert wide > 3 and 15 < tall < 80
            ink = np.abs(image[top : top + tall, left : left + wide] - paper)
            for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]):
                assert edge.max() > 20, "the box is no larger than the digit"
            inside[top : top + tall, left : left + wide] += 1
        assert inside.max(initial=0) <= 1


def test_every_digit_is_drawn_in_many_numbers_and_tones() -> None:
    labels = [one["label"] for _, objects in TEST for one in objects]
    counts = [labels.count(str(digit)) for digit in range(10)]
    assert min(counts) > 25
    assert {len(objects) for _, objects in TEST} >= {0, 1, 2, 3, 4, 5, 6}
    dark = [np.median(image) < 128 for image, _ in TEST]
    assert 0.3 < np.mean(dark) < 0.7


@pytest.mark.parametrize("seed", range(20))
def test_a_drawing_is_of_the_digits_it_is_given(seed: int) -> None:
    images, labels = digits("calibration")
    _, objects = draw(images[labels == 7], labels[labels == 7], np.random.default_rng(seed))
    assert {one["label"] for one in objects} <= {"7"}
