"""A model's weights as uint8: which of them become what, and how far they are moved."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.base.errors import PipelineError
from pipeline.optimize import float16, int4, uint8, uint16
from pipeline.weights.allocation import _ladder
from pipeline.weights.codec import Encoded, Weight, decode, encode_all, short_float16

RANDOM = np.random.default_rng(0)
SIDES = (2, 3)

#: A first convolution, a depthwise one, a pointwise one and a bias, as TF.js lays them out.
SHAPES = [(3, 3, 3, 16), (3, 3, 128, 1), (1, 1, 128, 512)]
KERNEL = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
BIAS = RANDOM.normal(size=512).astype(np.float32)


def weights(spread: float = 0.0) -> list[Weight]:
    """Normal weights, their channels scaled by factors of so many octaves either way."""
    found = []
    for shape in SHAPES:
        values = RANDOM.normal(size=shape)
        for axis in SIDES:
            scale = 2.0 ** RANDOM.uniform(-spread, spread, shape[axis])
            values *= scale.reshape([-1 if i == axis else 1 for i in range(4)])
        found.append(Weight(values.astype(np.float32), None, SIDES))
    return [*found, Weight(BIAS, bias=True)]


def entropy_bytes(encoded: Encoded) -> float:
    """What an ideal coder makes of the numbers."""
    _, counts = np.unique(encoded.data, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum()) * encoded.data.size / 8


def noise(weight: Weight, encoded: Encoded) -> float:
    """The error in decibels below the signal."""
    error = decode(encoded, None) - weight.values
    return float(10 * np.log10(np.mean(error**2) / np.mean(weight.values**2)))


def types(encoded: list[Encoded | None]) -> list[str | None]:
    return [one and one.data.dtype.name for one in encoded]


@pytest.mark.parametrize("levels", [16, 64, 256])
def test_small_tensors_get_more_bits_at_no_more_bytes(levels):
    given = weights()
    plain = uint8.encode_all(given, levels=levels, mixed=False)
    mixed = uint8.encode_all(given, levels=levels)
    assert types(plain) == ["uint8", "uint8", "uint8", None]
    assert types(mixed)[2:] == ["uint8", "float16"]
    bias = entropy_bytes(Encoded(BIAS.astype(np.float16)))
    assert sum(map(entropy_bytes, mixed)) <= sum(map(entropy_bytes, plain[:3])) + bias
    small = [noise(w, m) - noise(w, p) for w, m, p in zip(given[:2], mixed, plain, strict=False)]
    assert max(small) < -11
    assert noise(given[2], mixed[2]) - noise(given[2], plain[2]) < 2


def test_a_tensor_of_unlike_channels_is_no_worse_for_it():
    """Nothing that one grid can hold: channels from 1/12 to 12 times the others, on both sides."""
    given = weights(spread=3.6)
    for weight, one in zip(given[:3], uint8.encode_all(given), strict=False):
        error = (decode(one, None) - weight.values) / weight.values
        assert one.data.dtype == np.float16
        assert np.sqrt(np.mean(error**2)) < 0.03


def test_scales_per_channel_are_used_where_a_format_has_them():
    scale = (4.0 ** np.arange(-4, 4)).astype(np.float32)
    values = np.rint(RANDOM.normal(size=(8, 9999)) * 30).astype(np.float32) * scale[:, None]
    weight = Weight(values * np.float32(1.0001) + np.float32(1e-7), 0, (0, 1))
    (by_channel,) = uint8.encode_all([weight])
    (in_all,) = uint8.encode_all([weight], granularity="per-tensor")
    assert by_channel.scale.shape == (8,)
    assert in_all.data.dtype == np.float16


def test_biases_stay_float32_where_float16_cannot_hold_them():
    large = Weight(np.linspace(0, 1e5, 64, dtype=np.float32), bias=True)
    small = Weight(np.linspace(-3, 5, 64, dtype=np.float32), bias=True)
    assert types(uint8.encode_all([large, small])) == [None, "float16"]
    assert types(uint8.encode_all([large, small], mixed=False)) == [None, None]


def test_three_levels_are_the_fewest():
    """Of two, with zero among them, a symmetric tensor's are both zero."""
    even = Weight(np.linspace(-1, 1, 2400, dtype=np.float32).reshape(40, 60), None, (0, 1))
    for mixed in (False, True):
        (encoded,) = uint8.encode_all([even], levels=3, mixed=mixed)
        assert np.unique(decode(encoded, None)).size == 3
    assert min(_ladder(3)) == min(_ladder(8)) == 3
    with pytest.raises(ValidationError, match="greater than or equal to 3"):
        uint8.Options(levels=2)


def test_what_is_on_a_grid_is_kept_and_only_the_rest_is_shared_out():
    numbers = RANDOM.integers(-7, 9, (64, 128)).astype(np.float32)
    pruned = Weight(numbers * np.float32(0.03), None, (0, 1))
    encoded = uint8.encode_all([pruned, *weights()], levels=4)
    np.testing.assert_array_equal(decode(encoded[0], None), pruned.values)


def test_what_techniques_before_have_chosen_is_kept_to_the_bit():
    half = RANDOM.normal(size=(32, 64)).astype(np.float16).astype(np.float32)
    fine = RANDOM.integers(-9000, 9000, (32, 64)).astype(np.float32) * np.float32(0.1)
    given = [Weight(values, None, (0, 1)) for values in (half, fine)]
    kept = uint8.encode_all(given, settled=True)
    assert types(kept) == ["float16", "uint16"]
    for weight, one in zip(given, kept, strict=True):
        np.testing.assert_array_equal(decode(one, None), weight.values)
    assert types(uint8.encode_all(given[:1], mixed=False)) == ["uint8"]


def test_grids_per_channel_hardly_move_where_a_format_has_one_scale():
    scale = RANDOM.uniform(0.01, 1, 64).astype(np.float32)
    values = RANDOM.integers(-127, 128, (1, 1, 128, 64)).astype(np.float32) * scale
    (one,) = uint8.encode_all([Weight(values, None, SIDES)])
    assert one.data.dtype == np.float16
    assert np.abs((decode(one, None) - values) / scale).max() <= 0.07


@pytest.mark.parametrize("bits", range(2, 12))
def test_rounding_up_does_not_leave_float16(bits):
    found = short_float16(np.float32([65500, -65500, 1]), bits).data
    assert np.isfinite(found).all()
    assert found[0] == -found[1] > 64000
    assert found[2] == 1


@pytest.mark.parametrize("codec", [module.CODEC for module in (uint8, uint16, float16, int4)])
def test_masks_stay_float32_and_what_is_not_a_number_is_refused_by_name(codec):
    mask = np.zeros((64, 64), np.float32)
    mask[np.triu_indices(64, 1)] = -np.inf
    given = [Weight(mask, None, (0, 1)), Weight(KERNEL, None, (0, 1))]
    left, encoded = encode_all(codec, given, {})
    assert left is None
    assert encoded is not None
    broken = Weight(np.full((64, 64), np.nan, np.float32), None, (0, 1), name="a/kernel")
    with pytest.raises(PipelineError, match=r"not a number, in a/kernel of shape \[64, 64\]"):
        encode_all(codec, [*given, broken], {})
