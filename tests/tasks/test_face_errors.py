"""How far points of faces are off is the mean by the distance of the eyes' outer corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.find import Purpose
from pipeline.tensors.per_sample import PerSample

NAMED = {"nose": 1, "right_eye": 33, "left_eye": 263, "chin": 152}


def purpose(**more: Any) -> Purpose:
    options = {"points": {"output": "mesh", "scale": 192}, "score": "flag", "annotated": NAMED}
    return Purpose(name="face-landmarks", options={**options, **more})


def samples(count: int, seed: int) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    """Outputs in an input of 192 pixels, facts of images of 384 by 384, and the noise between
    them, [n, points, 2] in pixels of the images; the chin of each second is not known."""
    chance = np.random.default_rng(seed)
    mesh = chance.uniform(20, 170, (count, 468, 3))
    noise = chance.normal(0, 4, (count, len(NAMED), 2))
    facts = [
        {"objects": [{"keypoints": {
            name: [*(2 * mesh[row, point, :2] + noise[row, n]), int(name != "chin" or row % 2)]
            for n, (name, point) in enumerate(NAMED.items())}}]}
        for row in range(count)
    ]  # fmt: skip
    flag = np.full((count, 1), 0.9, np.float32)
    return {"mesh": mesh.reshape(count, 1404), "flag": flag}, facts, noise


def origins(count: int) -> PerSample:
    one = {"size": [384, 384], "input": [192, 192], "scale": [0.5, 0.5], "pad": [0.0, 0.0]}
    return PerSample({name: np.array([value] * count) for name, value in one.items()})


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (7, 1), (40, 2)])
def test_errors_are_means_of_known_points(count: int, seed: int) -> None:
    outputs, facts, noise = samples(count, seed)
    said = purpose()
    about = said.about(origins=origins(count))
    truth = said.task.truth(facts, about)
    wanted = []
    for row, fact in enumerate(facts):
        points = fact["objects"][0]["keypoints"]
        (ax, ay, _), (bx, by, _) = points["right_eye"], points["left_eye"]
        eyes = ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5
        apart = [(x * x + y * y) ** 0.5 for x, y in noise[row]]
        known = apart if row % 2 else apart[:3]
        wanted.append(sum(known) / len(known) / eyes)
    measured = said.task.score(outputs, truth, about).measured()
    assert measured["metric"] == "normalized_mean_error" and measured["samples"] == count
    assert measured["value"] == pytest.approx(np.mean(wanted))
    rate = purpose(metric="failure_rate")
    failed = rate.task.score(outputs, truth, rate.about(origins=origins(count))).measured()
    assert failed["value"] == pytest.approx(np.mean([one > 0.1 for one in wanted]))


def test_a_face_that_is_not_found_is_off_by_all() -> None:
    outputs, facts, _ = samples(2, 3)
    outputs["flag"][0] = 0.1
    for metric in ("normalized_mean_error", "failure_rate"):
        said = purpose(metric=metric)
        about = said.about(origins=origins(2))
        truth = said.task.truth(facts, about)
        assert said.task.score(outputs, truth, about).of(np.array([0])) == 1


def test_without_names_or_keypoints_there_is_no_truth() -> None:
    _, facts, _ = samples(2, 0)
    assert purpose(annotated={}).task.truth(facts, purpose(annotated={}).about()) is None
    assert purpose().task.truth([{}, {"objects": []}], purpose().about()) is None


@pytest.mark.parametrize(
    ("keypoints", "said"),
    [
        ({"nose": [1, 1, 2]}, "outer corners of the eyes are not known in sample 0"),
        ({"left_eye": [5, 5, 2], "right_eye": [5, 5, 2]}, "outer corners"),
        ({"left_eye": [5, "x", 2]}, "no numbers"),
        ({"left_eye": [5, float("inf"), 2]}, "no places"),
    ],
)
def test_what_is_no_truth_of_faces_is_said(keypoints: Any, said: str) -> None:
    about = purpose().about()
    with pytest.raises(ConfigError, match=said):
        purpose().task.truth([{"objects": [{"keypoints": keypoints}]}], about)
    with pytest.raises(ConfigError, match="sample 0 has 2 faces"):
        purpose().task.truth([{"objects": [{"keypoints": keypoints}] * 2}], about)


def test_eyes_have_to_be_named() -> None:
    with pytest.raises(ValueError, match="needs the points 33 and 263"):
        purpose(annotated={"nose": 1}).about()
