from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.tasks.proportion import share, wilson


@pytest.mark.parametrize("count", [1, 2, 17, 360, 50_000])
def test_the_interval_is_scipys(count: int) -> None:
    for successes in sorted({0, 1, count // 3, count - 1, count}):
        wanted = binomtest(successes, count).proportion_ci(0.95, method="wilson")
        assert wilson(successes, count) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_all_right_is_not_certain() -> None:
    found = share("m", np.ones(20, bool))
    assert (found["value"], found["high"]) == (1.0, 1.0)
    assert 0.8 < found["low"] < 0.9
