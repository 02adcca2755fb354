"""Where a model is to look: what its words promise, whatever the points are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.inputs.image.around import Around, choose_regions, region_of
from pipeline.inputs.image.region import Region

CHANCE = np.random.default_rng(2)


def answer(count: int = 8) -> dict[str, Any]:
    points = [{"x": x, "y": y} for x, y in CHANCE.uniform(-50, 400, (count, 2)).tolist()]
    return {"keypoints": points[:-2], "auxiliary": points[-2:]}


@pytest.mark.parametrize(("word", "axis"), [("right", 0), ("up", 1)])
@pytest.mark.parametrize("pair", [(0, 1), (5, 2), (6, 7)])
def test_a_square_is_turned_as_its_points_say(word: str, axis: int, pair: tuple[int, int]) -> None:
    told = answer()
    region = region_of(told, Around.model_validate({word: pair}))
    points = [*told["keypoints"], *told["auxiliary"]]
    start, end = (region.from_image([points[i]["x"], points[i]["y"]]) for i in pair)
    assert start[1 - axis] == pytest.approx(end[1 - axis]), "on one line"
    assert (end[0] > start[0]) if word == "right" else (end[1] < start[1])
    assert -np.pi <= region.angle <= np.pi


def test_a_square_holds_the_box_and_the_scale() -> None:
    box = {"x": 10.0, "y": 20.0, "width": 60.0, "height": 30.0}
    region = region_of({"box": box}, Around(scale=1.5))
    assert vars(region) == pytest.approx({"x": 40, "y": 35, "width": 90, "height": 90, "angle": 0})
    told = answer()
    points = np.array([[point["x"], point["y"]] for point in told["keypoints"]])
    shares = region_of(told, Around()).from_image(points)
    assert shares.min() == pytest.approx(0), "of what has no box all points count, and touch it"
    assert shares.max() == pytest.approx(1)


def test_a_circle_reaches_from_its_middle_to_the_edge() -> None:
    told = answer()
    middle, edge = told["auxiliary"]
    region = region_of(told, Around(circle=(6, 7), up=(6, 7)))
    assert region.from_image([middle["x"], middle["y"]]) == pytest.approx([0.5, 0.5])
    assert region.from_image([edge["x"], edge["y"]]) == pytest.approx([0.5, 0], abs=1e-12)


def test_a_shift_is_along_the_turned_square() -> None:
    told = {**answer(), "box": {"x": 0.0, "y": 0.0, "width": 40.0, "height": 40.0}}
    before = region_of(told, Around(up=(0, 1)))
    after = region_of(told, Around(up=(0, 1), shift=(0.25, -0.5)))
    assert before.from_image([after.x, after.y]) == pytest.approx([0.75, 0.0])


def test_what_is_known_already_is_not_looked_at_twice() -> None:
    known, near = Region(50, 50, 40, 40, 1.0), Region(54, 52, 44, 44)
    far, nothing = Region(150, 50, 40, 40), Region(10, 10, 0, 0)
    broken = Region(float("nan"), 0, float("nan"), float("nan"))
    assert choose_regions([known], [near, nothing, broken, far], 3) == [known, far]
    assert choose_regions([], [near, far], 1) == [near]
    half = Region(50 + 40 / 3, 50, 40, 40)
    assert choose_regions([known], [half], 2) == [known, half], "half in common is not more"


def test_only_one_way_to_turn() -> None:
    with pytest.raises(ValueError, match="say right or up, not both"):
        Around(right=(0, 1), up=(0, 1))
