"""Values on a grid are found to be, and codecs leave them where they are."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.optimize import uint8, uint16
from pipeline.weights import grid
from pipeline.weights.codec import affine, decode, rounded

SEEDS = range(40)


def on_grid(seed: int, levels: int, shape: tuple[int, ...] = (3, 3, 16, 24)) -> np.ndarray:
    """float32 [shape], whole numbers times a scale of any size, as float32 computes it."""
    random = np.random.default_rng(seed)
    zero = random.integers(0, levels)
    scale = np.float32(10.0 ** random.uniform(-12, 8))
    data = random.integers(0, levels, shape)
    return (data - zero).astype(np.float32) * scale


@pytest.mark.parametrize("seed", SEEDS)
def test_random_grids_are_kept_to_the_bit(seed):
    values = on_grid(seed, int(np.random.default_rng(seed).integers(2, 257)))
    np.testing.assert_array_equal(decode(uint8.encode(values, None), None), values)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("axis", [0, 2, 3])
def test_every_channel_may_have_a_grid_of_its_own(seed, axis):
    random = np.random.default_rng(seed)
    shape = [1, 1, 1, 1]
    shape[axis] = 24
    scale = (10.0 ** random.uniform(-6, 6, shape)).astype(np.float32)
    full = [5, 3, 4, 2]
    full[axis] = 24
    zero = random.integers(0, 256, shape)
    values = (random.integers(0, 256, full) - zero).astype(np.float32) * scale
    found = grid.find(values, axis, 256)
    assert found is not None
    assert found.scale.shape == (24,)
    np.testing.assert_array_equal(decode(affine(values, axis, np.uint8), axis), values)


@pytest.mark.parametrize("seed", SEEDS)
def test_sparse_levels_need_no_neighbours(seed):
    """Few of many levels are there, none of them one step from zero or from another."""
    random = np.random.default_rng(seed)
    numbers = random.choice(np.arange(-120, 120, 2), 7, replace=False) + 1
    values = (random.choice(numbers, 500) * np.float32(0.0371)).astype(np.float32)
    np.testing.assert_array_equal(decode(uint8.encode(values, None), None), values)


@pytest.mark.parametrize("seed", SEEDS)
def test_finer_grids_are_kept_by_finer_codecs(seed):
    values = on_grid(seed, 4000)
    assert grid.find(values, None, 256) is None
    np.testing.assert_array_equal(decode(uint16.encode(values, None), None), values)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_other_arithmetic_rounds_off_does_not_hide_a_grid(seed):
    """Scales multiplied in another order leave values a few units in the last place off."""
    random = np.random.default_rng(seed)
    first, second = np.float32(0.731), np.float32(10.0 ** random.uniform(-5, 2))
    numbers = random.integers(-90, 130, 4000).astype(np.float32)
    values = (numbers * first) * second
    found = grid.find(values, None, 256)
    assert found is not None
    np.testing.assert_array_equal(found.numbers, numbers)
    np.testing.assert_allclose(decode(uint8.encode(values, None), None), values, rtol=4e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_values_on_no_grid_are_said_to_be(seed):
    random = np.random.default_rng(seed)
    assert grid.find(random.normal(size=(3, 3, 8, 16)).astype(np.float32), None, 65536) is None
    few = random.normal(size=9).astype(np.float32)
    assert grid.find(few, None, 256) is None
    assert grid.find(np.outer(few, few), 0, 256) is None


@pytest.mark.parametrize("value", [1.0, -0.3, 3e-30, 7e20])
def test_a_single_value_is_one_step(value):
    values = np.full((2, 5), value, np.float32)
    np.testing.assert_array_equal(decode(uint8.encode(values, None), None), values)
    half = values * np.array([[0], [1]], np.float32)
    np.testing.assert_array_equal(decode(uint8.encode(half, 0), 0), half)


def test_zeros_need_no_step():
    found = grid.find(np.zeros((3, 4), np.float32), None, 256)
    assert found is not None
    assert found.scale == 1
    assert not found.numbers.any()


def test_the_coarsest_grid_is_found():
    found = grid.find(np.array([-6, 0, 12, 18], np.float32), None, 256)
    assert found is not None
    assert found.scale == 6
    assert list(found.numbers) == [-1, 0, 2, 3]


def test_rounding_keeps_zero_and_as_many_levels_as_are_asked_for():
    values = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    values[::2] = 0
    for levels in (2, 5, 16, 256):
        encoded = rounded(values, None, np.uint8, levels)
        found = decode(encoded, None)
        assert not found[::2].any()
        assert np.unique(encoded.data).size <= levels
        step = (values.max() - values.min()) / (levels - 1)
        assert np.abs(found - values).max() <= step * (1 if levels == 2 else 0.5) * 1.001 + step / 2


@pytest.mark.parametrize("some", [[1e-44, 3e-45, 0, 2.8e-45], [1e-44], [1.4e-45, -1.4e-45]])
def test_a_range_that_float32_cannot_divide_becomes_zero(some):
    values = np.array(some * 99, np.float32)
    assert np.isfinite(decode(uint8.encode(values, None), None)).all()
    assert not decode(rounded(values, None, np.uint8), None).any()


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_on_no_grid(odd):
    for axis in (None, 0):
        assert grid.find(np.float32([[0, 1, odd], [0, 2, 1]]), axis, 256) is None


def test_channels_share_a_zero_where_it_fits_them_all():
    """Equal numbers are equal bytes then, whatever the channel, and compress together."""
    numbers = np.array([[-3, 0, 1], [0, 1, 2], [-1, 1, 0]])
    values = (numbers * np.array([[0.5], [0.25], [2.0]])).astype(np.float32)
    encoded = affine(values, 0, np.uint8)
    np.testing.assert_array_equal(encoded.data, numbers + 3)
    wide = (np.array([[-200, 1, 0], [0, 1, 250]]) * 0.5).astype(np.float32)
    np.testing.assert_array_equal(decode(affine(wide, 0, np.uint8), 0), wide)
