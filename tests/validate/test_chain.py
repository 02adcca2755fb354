"""Points of a detector and a model together, as a page and the source models have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.chain_folder import ChainFolder
from pipeline.base.errors import ConfigError
from pipeline.config.region import Regions
from pipeline.validate.chain import _squares, agreement

SIDE = 200.0


def face(x: float = 0.0, score: float = 0.9, moved: int = 0, by: float = 0.0) -> dict[str, Any]:
    """Ten points in a row from ``x`` on, the first ``moved`` of them ``by`` lower."""
    points = [{"x": x + 5 * i, "y": by if i < moved else 0.0} for i in range(10)]
    return {"score": score, "keypoints": points, "side": SIDE}


def told(tmp_path: Path, *pictures: list[dict[str, Any]]) -> ChainFolder:
    chain = ChainFolder(tmp_path)
    facts = {"model": {"task_options": {"threshold": 0.5}}, "first": [*pictures]}
    chain.write(facts | {"next": [[] for _ in pictures]})
    return chain


def answered(*pictures: list[dict[str, Any]]) -> dict[str, Any]:
    return {"first": [*pictures], "next": [[] for _ in pictures]}


def test_points_within_a_hundredth_of_the_side_are_the_same(tmp_path: Path) -> None:
    chain = told(tmp_path, [face()], [])
    near = agreement(chain, answered([face(moved=10, by=1.99)], []))
    assert near == {"same": 1.0, "furthest": pytest.approx(1.99 / SIDE), "things": 1}
    far = agreement(chain, answered([face(moved=3, by=2.01)], []))
    assert far["same"] == pytest.approx(0.7)
    assert far["furthest"] == pytest.approx(2.01 / SIDE)


def test_things_are_paired_by_where_they_are(tmp_path: Path) -> None:
    chain = told(tmp_path, [face(0), face(300)])
    found = agreement(chain, answered([face(300), face(0)]))
    assert found == {"same": 1.0, "furthest": 0.0, "things": 2}


@pytest.mark.parametrize(("score", "same"), [(0.9, 0.5), (0.52, 1.0)])
def test_what_only_one_of_them_finds_counts_where_it_is_clear(
    tmp_path: Path, score: float, same: float
) -> None:
    """Rounding may move a score over the threshold."""
    both, more = [face()], [face(), face(300, score)]
    assert agreement(told(tmp_path, both), answered(more))["same"] == pytest.approx(same)
    assert agreement(told(tmp_path, more), answered(both))["same"] == pytest.approx(same)


def test_who_finds_nothing_agrees_in_nothing(tmp_path: Path) -> None:
    assert agreement(told(tmp_path, [face()]), answered([]))["same"] == 0.0


def test_points_that_answers_do_not_have_are_named() -> None:
    rule = Regions.model_validate({"found": {"right": [0, 12]}, "followed": {}})
    with pytest.raises(ConfigError, match="they have 10") as refused:
        _squares([face()], rule, "found")
    assert refused.value.where == "region.found"
