"""Which weights stay float32 in every format, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.graphs.tensorflow.spectra import _waves
from pipeline.optimize import float16, int4, uint8, uint16
from pipeline.weights import exact
from pipeline.weights.codec import Weight
from pipeline.weights.tables import is_fourier

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(size=(64, 32)).astype(np.float32)
CODECS = [module.CODEC for module in (uint8, uint16, float16, int4)]


def weight(name: str, values: np.ndarray) -> Weight:
    return Weight(values.astype(np.float32), None, (0, 1), name=name)


@pytest.mark.parametrize("length", [8, 255, 400, 512])
def test_tables_that_spectra_are_made_of_are_told_from_weights(length: int) -> None:
    half, share = length // 2 + 1, RANDOM.uniform(0.1, 2, (length, 1))
    for waves in _waves(length):
        table = waves.astype(np.float32)
        for known in (table, -table[:, :half], (table * share)[:half, None], table[:half].T):
            assert is_fourier(known.astype(np.float32))
        for other in (table[::-1], table[1:], table + np.float32(0.01), np.abs(table)):
            assert not is_fourier(other)


def test_weights_are_no_tables() -> None:
    for shape in ((64, 33), (33,), (), (3, 3, 8, 16), (1, 1), (0, 5)):
        assert not is_fourier(np.ones(shape, np.float32))
        assert not is_fourier(RANDOM.normal(size=shape).astype(np.float32))
        assert not is_fourier(np.zeros(shape, np.float32))


@pytest.mark.parametrize("codec", CODECS)
def test_tables_and_what_is_kept_stay_and_are_told_with_their_cost(codec) -> None:
    cosines, _ = _waves(64)
    given = [weight("table", cosines[:, :33]), weight("a", KERNEL), weight("b", KERNEL[::-1])]
    plain, said = exact.encode(codec, given, {})
    assert [one is None for one in plain] == [True, False, False]
    assert [(one.name, one.why) for one in said] == [("table", "fourier")]
    kept, said = exact.encode(codec, given, {}, {"b"})
    assert kept[2] is None
    np.testing.assert_array_equal(kept[1].data, plain[1].data)
    assert [(one.name, one.shape, one.why) for one in said] == [
        ("table", [64, 33], "fourier"),
        ("b", [64, 32], "keep"),
    ]
    saved = KERNEL.nbytes - KERNEL.size * codec.bytes_each
    assert said[1].more_bytes in (saved, KERNEL.nbytes // 2)


@pytest.mark.parametrize("factor", [1e5, 1e-7, 1e-30, 1e30])
def test_what_float16_cannot_hold_stays_float32(factor: float) -> None:
    given = [weight("w", KERNEL * np.float32(factor)), weight("zeros", KERNEL * 0)]
    encoded, said = exact.encode(float16.CODEC, given, {})
    assert encoded[0] is None
    assert encoded[1] is not None
    assert [(one.name, one.why) for one in said] == [("w", "range")]
    assert said[0].more_bytes == KERNEL.nbytes // 2


@pytest.mark.parametrize("factor", [1.0, 1e4, 1e-3])
def test_what_float16_holds_in_all_its_bits_is_encoded(factor: float) -> None:
    (encoded,), said = exact.encode(float16.CODEC, [weight("w", KERNEL * np.float32(factor))], {})
    assert encoded is not None
    assert encoded.data.dtype == np.float16
    assert said == []
