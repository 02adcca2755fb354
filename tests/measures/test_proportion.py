from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from pipeline.measures.proportion import Z, difference, paired_difference, share, wilson


@pytest.mark.parametrize("count", [1, 2, 17, 360, 50_000])
def test_the_interval_is_scipys(count: int) -> None:
    from scipy.stats import binomtest

    for successes in sorted({0, 1, count // 3, count - 1, count}):
        wanted = binomtest(successes, count).proportion_ci(0.95, method="wilson")
        assert wilson(successes, count) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_all_right_is_not_certain() -> None:
    found = share("m", np.ones(20, bool))
    assert (found["value"], found["high"]) == (1.0, 1.0)
    assert 0.8 < found["low"] < 0.9


def test_the_paired_interval_is_the_published_one() -> None:
    """Fagerland et al. (2014), table VI: before 1 + 1 of 21 (Bentur et al. 2009), after 1 + 7."""
    low, high = paired_difference(lost=1, gained=7, count=21)
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@pytest.mark.parametrize("gained", [0, 1, 4, 15])
def test_no_difference_is_rejected_where_mcnemar_rejects_it(gained: int) -> None:
    """Tango's statistic at a difference of 0 is McNemar's (1947): (b - c) / sqrt(b + c)."""
    for lost in range(1, 50):
        low, high = paired_difference(lost, gained, 400)
        beyond = abs(lost - gained) / sqrt(lost + gained) > Z
        assert (low > 0 or high < 0) == beyond
        assert low <= (lost - gained) / 400 <= high
        assert paired_difference(gained, lost, 400) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(("lost", "gained"), [(0.02, 0.0), (0.05, 0.02), (0.1, 0.1), (0.3, 0.1)])
def test_the_paired_interval_holds_the_truth_as_often_as_it_says(
    lost: float, gained: float
) -> None:
    """All tables of 60 samples, by their probability: no simulation, so no chance in the test."""
    from scipy.stats import multinomial

    count, covered, too_high = 60, 0.0, 0.0
    for b in range(count + 1):
        for c in range(count + 1 - b):
            likely = multinomial.pmf(
                [b, c, count - b - c], count, [lost, gained, 1 - lost - gained]
            )
            if likely > 1e-9:
                low, high = paired_difference(b, c, count)
                covered += likely * (low <= lost - gained <= high)
                too_high += likely * (low > lost - gained)
    assert covered > 0.93
    # What fails a build: that all of it is above a loss that is within its bound.
    assert too_high < 0.04


def test_shares_of_other_samples_are_told_apart_by_both_intervals() -> None:
    """Newcombe (1998), method 10, table II (a): 56 of 70 less 48 of 80 is 0.0524 to 0.3339."""
    one, two = ((k / n, *wilson(k, n)) for k, n in ((56, 70), (48, 80)))
    assert difference(one, two) == pytest.approx(0.0524, abs=5e-5)
