"""The few parts that do most damage are found in few measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.measures.keeping import Judge, Ranking, fewest

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("parts", [1, 2, 7, 300])
@pytest.mark.parametrize("wanted", [1, 2, 5])
def test_the_worst_come_first_after_few_measurements(parts: int, wanted: int) -> None:
    harm = {f"p{i}": 0.001 * RANDOM.random() for i in range(parts)}
    worst = [f"p{i}" for i in RANDOM.permutation(parts)[:wanted]]
    harm |= {name: 1.0 / (1 + i) for i, name in enumerate(worst)}
    measured: list[Sequence[str]] = []

    def damage(some: Sequence[str]) -> float:
        measured.append(some)
        return float(np.sqrt(sum(harm[name] ** 2 for name in some)))

    ranking = Ranking(list(harm), damage)
    assert ranking.first(0) == []
    assert measured == []
    assert ranking.first(wanted) == worst
    assert len(measured) <= max(1, min(2 * parts, 2 * wanted * np.ceil(np.log2(parts))))
    assert ranking.first(wanted) == worst
    assert set(ranking.first(parts)) == set(harm)
    assert len(measured) <= 2 * parts
    assert list(ranking.damages.values()) == sorted(harm.values(), reverse=True)


@pytest.mark.parametrize("least", [0, 1, 2, 3, 6, 99, 100])
def test_the_fewest_are_found_by_trying_few_first(least: int) -> None:
    tried: list[int] = []

    def enough(count: int) -> bool:
        tried.append(count)
        return count >= least

    assert fewest(100, enough) == least
    assert max(tried) <= max(1, 2 * least)
    assert len(tried) <= 2 + 2 * np.log2(max(1, least))


def test_nothing_is_enough_where_all_of_them_are_not() -> None:
    assert fewest(100, lambda count: False) is None
    assert fewest(0, lambda count: False) is None
    assert fewest(0, lambda count: True) == 0


def test_outputs_that_are_not_finite_keep_no_bound() -> None:
    wanted = {"y": RANDOM.normal(size=(4, 3)).astype(np.float32)}
    judge = Judge(wanted, {"relative_error": 1e6, "snr_db": -100}, "here")
    assert judge.passes(wanted)
    broken = wanted["y"].copy()
    broken[0, 0] = np.inf
    assert not judge.passes({"y": broken})
    assert judge.damage({"y": broken}) > 1e30


def test_a_bound_that_says_nothing_of_the_outputs_is_refused() -> None:
    wanted = {"y": RANDOM.normal(size=(4, 3)).astype(np.float32)}
    judge = Judge(wanted, {"logits_max_abs_error": 1.0}, "here")
    with pytest.raises(PipelineError, match="logits_max_abs_error says nothing of this model's"):
        judge.measure(wanted)
