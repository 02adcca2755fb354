from __future__ import annotations

import numpy as np
import pytest

from pipeline.bisect.differences import LargestDifference, from_source, layouts, to_source
from pipeline.bisect.source import split_in_chunks


def share(values: object, wanted: object) -> float:
    difference = LargestDifference()
    difference.add(np.array(values, np.float32), np.array(wanted, np.float32))
    return difference.share


def test_a_difference_is_a_share_of_the_range() -> None:
    assert share([1, 2, 3.5], [1, 2, 3]) == 0.25
    assert share([101, 102, 103.5], [101, 102, 103]) == 0.25
    assert share([5, 5.5], [5, 5]) == pytest.approx(0.1)
    assert share([0.5, 0], [0, 0]) == 0.5
    assert share([], []) == 0


def test_the_range_is_that_of_all_samples() -> None:
    difference = LargestDifference()
    difference.add(np.array([1.0, 1.5]), np.array([1.0, 1.0]))
    difference.add(np.array([5.0]), np.array([5.0]))
    assert difference.share == 0.125


def test_what_is_not_finite_on_one_side_only_is_as_wrong_as_can_be() -> None:
    nan, inf = float("nan"), float("inf")
    assert share([nan, 1], [0, 1]) == inf
    assert share([0, 1], [inf, 1]) == inf
    assert share([nan, inf, 1], [nan, inf, 0]) == 1


def test_integers_and_booleans_are_compared() -> None:
    difference = LargestDifference()
    difference.add(np.array([True, False]), np.array([True, True]))
    assert difference.share == 1
    difference = LargestDifference()
    difference.add(np.array([2**40 + 1]), np.array([2**40]))
    assert 0 < difference.share < 1e-11


@pytest.mark.parametrize(
    ("shape", "source", "expected"),
    [
        ((1, 4, 4, 8), (1, 4, 4, 8), "same"),
        ((1, 8, 4, 5), (1, 4, 5, 8), "channels first"),
        ((1, 4, 5, 8), (1, 8, 4, 5), "channels last"),
        ((2, 8, 4), (2, 4, 8), "channels first"),
        ((1, 8, 1, 1), (1, 8), "same"),
        ((12, 1, 8), (1, 12, 8), "same"),
    ],
)
def test_layouts_turn_both_ways(
    shape: tuple[int, ...], source: tuple[int, ...], expected: str
) -> None:
    assert expected in layouts(shape, source)
    values = np.random.default_rng(0).normal(size=shape)
    for layout in layouts(shape, source):
        there = to_source(values, layout, source)
        assert there.shape == source
        np.testing.assert_array_equal(from_source(there, layout, shape), values)


def test_shapes_that_do_not_fit_have_no_layout() -> None:
    assert layouts((1, 4, 4, 8), (1, 2, 2, 8)) == []
    assert layouts((8,), (4,)) == []


def test_chunks_keep_the_order_and_the_bound() -> None:
    sizes = {"a": 3, "b": 3, "c": 9, "d": 1, "e": 1}
    assert list(split_in_chunks(sizes, 6)) == [["a", "b"], ["c"], ["d", "e"]]
