"""Keypoints' average precision is pycocotools'; correct keypoints are counted by hand."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.average_precision import average, list_likenesses
from pipeline.tasks.find import Purpose
from pipeline.tasks.points import Found
from pipeline.tasks.pose_estimation.precision import match
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tasks.pose_estimation.truth import poses_of
from pipeline.tensors.per_sample import PerSample

NAMES = skeletons()["coco"].names
PURPOSE = Purpose(
    name="pose-estimation", options={"points": {"output": "points", "order": "yxs", "rows": 3}}
)
ABOUT = PURPOSE.about()

Bodies = list[list[dict[str, Any]]]


def case_of(seed: int) -> tuple[Bodies, list[Found]]:
    """Bodies and poses of some images: crowds, bodies without keypoints, ties, empty images."""
    chance = np.random.default_rng(seed)
    bodies, found = [], []
    for _ in range(int(chance.integers(1, 7))):
        count = int(chance.integers(0, 5))
        sides = chance.uniform(20, 90, (count, 2))
        start = chance.uniform(0, 60, (count, 2))
        points = start[:, None] + chance.uniform(0, 1, (count, 17, 2)) * sides[:, None]
        known = chance.integers(0, 3, (count, 17)) * (chance.random((count, 1)) < 0.85)
        bodies.append([
            {"box": [*start[i].tolist(), *sides[i].tolist()],
             "area": float(sides[i].prod() * chance.uniform(0.3, 0.9)),
             "crowd": bool(chance.random() < 0.2),
             "keypoints": {name: [*points[i, n].tolist(), int(known[i, n])]
                           for n, name in enumerate(NAMES)}}
            for i in range(count)
        ])  # fmt: skip
        near = points[chance.integers(0, count, int(chance.integers(0, 8)))] if count else points
        near = near + chance.normal(0, 1, near.shape) * chance.uniform(0, 12, (len(near), 1, 1))
        far = chance.uniform(0, 150, (int(chance.integers(0, 3)), 17, 2))
        poses = np.concatenate([near, far])
        scores = np.round(chance.uniform(0, 1, len(poses)), 1 if seed % 3 == 0 else 6)
        order = np.argsort(-scores, kind="stable")
        found.append(Found(scores[order], poses[order]))
    return bodies, found


def oracle(bodies: Bodies, found: list[Found]) -> list[float]:
    """AP and AP50 of pycocotools; 0 where there is nothing to find."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    flat = [(image, one) for image, each in enumerate(bodies) for one in each]
    annotations = [
        {"id": number + 1, "image_id": image, "category_id": 1, "bbox": one["box"],
         "area": one["area"], "iscrowd": int(one["crowd"]),
         "keypoints": [value for point in one["keypoints"].values() for value in point],
         "num_keypoints": sum(point[2] > 0 for point in one["keypoints"].values())}
        for number, (image, one) in enumerate(flat)
    ]  # fmt: skip
    answers = [
        {"image_id": image, "category_id": 1, "score": float(score),
         "keypoints": np.concatenate([points, np.ones((17, 1))], 1).ravel().tolist()}
        for image, each in enumerate(found)
        for score, points in zip(each.scores, each.points, strict=True)
    ]  # fmt: skip
    coco = COCO()
    coco.dataset = {"images": [{"id": image} for image in range(len(bodies))],
                    "annotations": annotations, "categories": [{"id": 1}]}  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        if not answers:
            return [0.0, 0.0]
        evaluation = COCOeval(coco, coco.loadRes(answers), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [max(float(value), 0.0) for value in evaluation.stats[:2]]


@pytest.mark.parametrize("block", range(2))
def test_average_precision_of_keypoints_is_that_of_pycocotools(block: int) -> None:
    seen = []
    for seed in range(50 * block, 50 * block + 50):
        bodies, found = case_of(seed)
        truth = poses_of([{"objects": each} for each in bodies], ABOUT)
        if truth is None:
            continue
        times = np.ones(len(bodies), np.int64)
        every = list_likenesses()
        ours = [
            average([match(found, truth, "coco", least)], times) for least in (every, every[:1])
        ]
        assert ours == pytest.approx(oracle(bodies, found), abs=1e-9), f"seed {seed}"
        seen.append(ours[0])
    assert len(set(seen)) > 30, "they differ"


def body(**moved: tuple[float, float]) -> dict[str, Any]:
    """One of a torso of 50 pixels; some points elsewhere, and the right ankle unknown."""
    points = {name: [10.0, 10.0, 2] for name in NAMES}
    points["right_hip"] = points["left_hip"] = [40.0, 50.0, 1]
    points |= {name: [*place, 2] for name, place in moved.items()}
    return {"box": [0, 0, 60, 60], "keypoints": points | {"right_ankle": [0, 0, 0]}}


def outputs_of(*bodies: dict[str, Any]) -> dict[str, Any]:
    """As a model tells them, [1, rows, 17 * 3]: y, x and how sure it is."""
    table = np.zeros((1, 3, 17, 3), np.float32)
    for row, one in enumerate(bodies):
        points = np.array([*one["keypoints"].values()])
        table[0, row] = np.stack([points[:, 1], points[:, 0], np.full(17, 0.9)], 1)
    return {"points": table.reshape(1, 3, -1)}


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        (body(), 16),
        (body(nose=(19.9, 10.0)), 16),
        (body(nose=(20.1, 10.0)), 15),
        (body(nose=(20.1, 10.0), left_ear=(10.0, 40.0)), 14),
        (body(right_ankle=(500.0, 500.0)), 16),
    ],
)
def test_a_keypoint_is_correct_within_a_fifth_of_the_torso(answer: Any, correct: int) -> None:
    options = {**PURPOSE.options, "metric": "correct_keypoints"}
    about = Purpose(name=PURPOSE.name, options=options).about()
    truth = PURPOSE.task.truth([{"objects": [body()]}], about)
    measured = PURPOSE.task.score(outputs_of(answer), truth, about).measured()
    assert measured["metric"] == "correct_keypoints"
    assert measured["value"] == pytest.approx(correct / 16)


def test_a_body_that_is_not_found_has_no_correct_keypoint() -> None:
    options = {**PURPOSE.options, "metric": "correct_keypoints"}
    about = Purpose(name=PURPOSE.name, options=options).about()
    other = body(**dict.fromkeys(NAMES[:5], (300.0, 300.0)))
    truth = PURPOSE.task.truth([{"objects": [body(), other]}], about)
    score = PURPOSE.task.score(outputs_of(body()), truth, about)
    assert score.measured()["value"] == pytest.approx(16 / 32)
    exact = PURPOSE.task.score(outputs_of(body(), other), truth, about)
    assert exact.measured()["value"] == pytest.approx(1.0)


def test_the_score_is_of_poses_that_a_model_tells() -> None:
    truth = PURPOSE.task.truth([{"objects": [body()]}, {"objects": []}], ABOUT)
    outputs = {"points": np.repeat(outputs_of(body())["points"], 2, axis=0)}
    measured = PURPOSE.task.score(outputs, truth, ABOUT).measured()
    assert measured["metric"] == "keypoint_average_precision"
    # The second image has the same pose and nothing to find, but it is no surer.
    assert measured["value"] == pytest.approx(1.0) and measured["samples"] == 2
    outputs["points"][0] += 300
    assert PURPOSE.task.score(outputs, truth, ABOUT).measured()["value"] == 0


def test_blazepose_is_compared_by_the_points_that_coco_has() -> None:
    names = skeletons()["blazepose"].names
    points = np.random.default_rng(0).uniform(0, 100, (1, 33, 3))
    told = {name: [*points[0, names.index(name), :2], 2] for name in NAMES}
    truth = poses_of([{"objects": [{"box": [0, 0, 100, 100], "keypoints": told}]}], ABOUT)
    assert isinstance(truth, PerSample)
    found = [Found(np.ones(1), points)]
    matched = match(found, truth, "blazepose", list_likenesses())
    assert average([matched], np.ones(1, np.int64)) == pytest.approx(1.0)


def test_what_is_no_truth_of_poses_is_said() -> None:
    assert poses_of([{}, {"objects": [{"box": [0, 0, 1, 1]}]}], ABOUT) is None
    for one, said in (
        ({"keypoints": {"beak": [1, 1, 2]}}, "keypoints are called beak"),
        ({"keypoints": {"nose": [1, "far", 2]}}, "no numbers"),
        ({"keypoints": {"nose": [1, 1]}}, "no numbers"),
        ({"keypoints": {"nose": [1, float("nan"), 2]}}, "no places"),
        ({"keypoints": {"nose": [1, 1, 2]}, "box": [0, 0, 1]}, "no numbers"),
    ):
        with pytest.raises(ConfigError, match=said):
            poses_of([{"objects": [{"box": [0, 0, 1, 1], **one}]}], ABOUT)
