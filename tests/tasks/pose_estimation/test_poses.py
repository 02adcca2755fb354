"""Poses are decoded as the field does, and those of two models compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pose_cases
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.find import Purpose
from pipeline.tasks.points import Found
from pipeline.tasks.pose_estimation.answers import decode
from pipeline.tasks.pose_estimation.options import Refinement
from pipeline.tasks.pose_estimation.refine import refine
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tasks.same_points import pair_things, same_points
from pipeline.tensors.per_sample import PerSample

CASES = json.loads(pose_cases.FILE.read_text())


def about(options: dict[str, Any]) -> Any:
    return Purpose(name="pose-estimation", options=options).about()


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_cases_are_pythons_answers(number: int) -> None:
    case = CASES[number]
    answers = pose_cases.answered(case)["answers"]
    assert len(answers) == len(case["answers"])
    for found, wanted in zip(answers, case["answers"], strict=True):
        assert found["score"] == pytest.approx(wanted["score"])
        for key in ("keypoints", "keypoints3D"):
            assert [list(one) for one in found.get(key, ())] == [
                list(one) for one in wanted.get(key, ())
            ]
            for one, other in zip(found.get(key, ()), wanted.get(key, ()), strict=True):
                assert one == {k: v if v is None or k == "name" else pytest.approx(v)
                               for k, v in other.items()}  # fmt: skip


def test_skeletons_join_points_that_they_have() -> None:
    assert {name: len(one.names) for name, one in skeletons().items()} == {
        "coco": 17,
        "blazepose": 33,
    }
    for one in skeletons().values():
        assert len(set(one.names)) == len(one.names)
        assert {point for pair in one.connections for point in pair} == {*range(len(one.names))}


def mediapipe_refined(x: float, y: float, heat: Any, window: int, least: float) -> Any:
    """``refine_landmarks_from_heatmap_calculator.cc`` of one point, number after number."""
    height, width = heat.shape
    column, row = int(x * width), int(y * height)
    if column < 0 or column >= width or row < 0 or row >= height:
        return x, y
    around = (window - 1) // 2
    total = across = down = most = 0.0
    for r in range(max(0, row - around), min(height, row + around + 1)):
        for c in range(max(0, column - around), min(width, column + around + 1)):
            sure = float(heat[r, c])
            total, most = total + sure, max(most, sure)
            across, down = across + c * sure, down + r * sure
    refined = most >= least and total > 0
    return (across / width / total, down / height / total) if refined else (x, y)


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6), (1, 3)])
@pytest.mark.parametrize("window", [3, 7])
def test_points_are_refined_as_mediapipe_does(shape: tuple[int, int], window: int) -> None:
    """On maps that are tall too, of which the port cuts off what lies below the width."""
    chance = np.random.default_rng(window)
    points = chance.uniform(-0.2, 1.2, (30, 2))
    heat = chance.uniform(0, 0.6, (*shape, 30))
    how = Refinement(output="heat", window=window, least=0.5)
    found = refine(points, {"heat": heat}, how)
    wanted = [mediapipe_refined(x, y, heat[..., i], window, 0.5) for i, (x, y) in enumerate(points)]
    np.testing.assert_allclose(found, wanted)
    moved = (found != points).any(axis=1)
    below = points[:, 1] * shape[0] >= shape[1]
    assert moved.any() and not moved.all()
    assert shape != (20, 6) or (moved & below).any()


def test_the_same_model_with_its_sigmoids_inside_and_outside_gives_the_same() -> None:
    """As TF.js and TFLite have it: of the flag, of the map and of what is seen."""
    case = next(case for case in CASES if case["options"]["refine"])
    outputs = {name: values[0] for name, values in pose_cases.outputs_of(case).items()}
    outputs["flag"] = np.array([1.5])
    options = json.loads(json.dumps(case["options"]))
    options["score"]["activation"] = "sigmoid"
    outside = decode(outputs, about(options).options)
    done = {name: 1 / (1 + np.exp(-outputs[name].astype(np.float64))) for name in ("flag", "heat")}
    points = outputs["points"].astype(np.float64).reshape(-1, 5)
    points[:, 3:] = 1 / (1 + np.exp(-points[:, 3:]))
    for name in ("score", "refine", "points"):
        options[name]["activation"] = "none"
    inside = decode({**outputs, **done, "points": points}, about(options).options)
    for one, other in zip(vars(inside).values(), vars(outside).values(), strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"points": {"output": "z", "order": "yxs"}}, "there is no output z"),
        ({"points": {"output": "y", "order": "xyzvp"}}, "51 numbers are no 17 points of xyzvp"),
        ({"points": {"output": "y", "order": "yxs", "rows": 2}}, "no table of 2 rows"),
        ({"heatmaps": {"scores": "y", "offsets": "y"}}, "is no map"),
    ],
)
def test_what_does_not_fit_the_outputs_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        decode({"y": np.zeros((1, 17 * 3))}, about(options).options)
    assert (caught.value.where or "").startswith("task.pose-estimation.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either points or heatmaps"),
        ({"points": {"output": "y", "order": "xy"}}, "say what holds the score"),
        ({"heatmaps": {"scores": "a", "offsets": "b", "forward": "c"}}, "go together"),
        ({"heatmaps": {"scores": "a", "offsets": "b"}, "score": "c"}, "go with points"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        about(options)


def bodies(*places: float, scores: Any = None) -> Found:
    """Each of four points at a place, 1 pixel from one another; the last one unsure."""
    points = np.array([[[place + i, place] for i in range(4)] for place in places])
    sure = np.tile([0.9, 0.9, 0.9, 0.1], (len(places), 1))
    return Found(np.array(scores or [0.9] * len(places)), points.reshape(-1, 4, 2), sure)


def same(found: Found, wanted: Found) -> float:
    """Of a picture of 100 pixels, in which a pixel makes no difference."""
    origins = PerSample({"size": np.array([[50, 100]])})
    (share,) = same_points([found], [wanted], origins, 0.5, 0.01)
    return float(share)


def test_points_agree_that_the_other_model_is_sure_of() -> None:
    assert same(bodies(10), bodies(10)) == same(bodies(), bodies()) == 1
    assert same(bodies(10.6), bodies(10)) == 1
    assert same(bodies(11), bodies(10)) == 0
    moved = bodies(10)
    for point, share in ((3, 1.0), (0, 2 / 3)):
        moved.points[0, point] += 50
        assert same(moved, bodies(10)) == pytest.approx(share)


def test_poses_are_told_apart_and_those_at_the_threshold_may_be_missing() -> None:
    assert same(bodies(80, 10), bodies(10, 80)) == 1
    assert same(bodies(10), bodies(10, 80)) == 1 / 2
    assert same(bodies(), bodies(10)) == 0 and same(bodies(10), bodies()) == 0
    assert same(bodies(10), bodies(10, 80, scores=[0.9, 0.52])) == 1
    assert same(bodies(10, 80, scores=[0.9, 0.53]), bodies(10)) == 1
    assert pair_things(np.array([[1.0, 2.0], [0.5, 9.0]])) == [(1, 0), (0, 1)]


def test_agreement_is_a_gate_of_the_task() -> None:
    case = next(case for case in CASES if case["options"]["points"] and case["answers"])
    purpose = Purpose(name="pose-estimation", options=case["options"])
    outputs = pose_cases.outputs_of(case)
    assert purpose.task.agree is not None
    assert purpose.task.agree(outputs, outputs, purpose.about()) == {"keypoint_agreement": 1.0}
    moved = {name: values + np.float32(0.05) for name, values in outputs.items()}
    assert purpose.task.agree(moved, outputs, purpose.about()) == {"keypoint_agreement": 0.0}
    assert set(purpose.task.usual) == {"keypoint_agreement"}


def test_the_best_come_first() -> None:
    found = replace(bodies(1, 2, 3), scores=np.array([0.5, 0.9, 0.7]))
    assert found.best(0.6, 5).scores.tolist() == [0.9, 0.7]
    assert found.best(0.0, 1).points[0, 0].tolist() == [2, 2]
