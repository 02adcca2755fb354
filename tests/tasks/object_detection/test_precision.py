"""Average precision is pycocotools'; agreement is by hand."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.average_precision import average, list_likenesses
from pipeline.tasks.find import Purpose
from pipeline.tasks.object_detection.precision import match
from pipeline.tasks.object_detection.suppress import Found
from pipeline.tasks.object_detection.truth import objects_of
from pipeline.tensors.per_sample import PerSample

PURPOSE = Purpose(
    name="object-detection",
    options={"boxes": {"output": "boxes", "order": "xyxy"}, "scores": "scores", "nms": None},
    labels=["cat", "dog", "cow"],
)
ABOUT = PURPOSE.about()
OVERLAPS = list_likenesses()

Case = tuple[list[list[dict[str, Any]]], list[Found]]


def case_of(seed: int) -> Case:
    """Objects and answers of some images: crowds, ties, empty images, wrong boxes."""
    chance = np.random.default_rng(seed)
    truth, found = [], []
    ties = seed % 3 == 0
    for _ in range(int(chance.integers(1, 8))):
        count = int(chance.integers(0, 7))
        start, size = chance.uniform(0, 80, (count, 2)), chance.uniform(2, 60, (count, 2))
        boxes = np.round(np.concatenate([start, size], 1), 0 if ties else 3)
        truth.append([
            {"box": box, "label": int(chance.integers(0, 3)), "crowd": chance.random() < 0.15}
            for box in boxes.tolist()
        ])  # fmt: skip
        near = boxes[chance.integers(0, count, int(chance.integers(0, 12)))] if count else boxes
        near = near + chance.normal(0, 3, near.shape) * (chance.random((len(near), 1)) < 0.7)
        far = chance.uniform(0, 50, (int(chance.integers(0, 4)), 4))
        answers = np.abs(np.concatenate([near, far]))
        scores = np.round(chance.uniform(0, 1, len(answers)), 1 if ties else 6)
        order = np.argsort(-scores, kind="stable")
        edges = np.concatenate([answers[:, :2], answers[:, :2] + answers[:, 2:]], 1)[order]
        classes = chance.integers(0, 3, len(answers))
        found.append(Found(edges, scores[order], classes, np.empty((len(answers), 0, 2))))
    return truth, found


def oracle(truth: list[list[dict[str, Any]]], found: list[Found]) -> list[float]:
    """AP and AP50 of pycocotools; -1 where there is nothing to find."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    coco, answers = COCO(), []
    images = [{"id": image} for image in range(len(truth))]
    objects = [
        {"id": 1, "image_id": image, "category_id": one["label"], "bbox": one["box"],
         "area": one["box"][2] * one["box"][3], "iscrowd": int(one["crowd"])}
        for image, objects in enumerate(truth) for one in objects
    ]  # fmt: skip
    for number, one in enumerate(objects):
        one["id"] = number + 1
    coco.dataset = {"images": images, "annotations": objects,
                    "categories": [{"id": index} for index in range(3)]}  # fmt: skip
    for image, each in enumerate(found):
        for (left, top, right, bottom), score, index in zip(
            each.boxes.tolist(), each.scores.tolist(), each.classes.tolist(), strict=True
        ):
            answers.append({"image_id": image, "category_id": index, "score": score,
                            "bbox": [left, top, right - left, bottom - top]})  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        if not answers:
            return [-1.0 if all(one["iscrowd"] for one in objects) else 0.0] * 2
        evaluation = COCOeval(coco, coco.loadRes(answers), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats[:2]]


def ours(truth: list[list[dict[str, Any]]], found: list[Found]) -> list[float]:
    arrays = objects_of([{"objects": objects} for objects in truth], ABOUT)
    assert arrays is not None
    times = np.ones(len(truth), np.int64)
    return [average(match(found, arrays, overlaps), times) for overlaps in (OVERLAPS, OVERLAPS[:1])]


@pytest.mark.parametrize("block", range(4))
def test_average_precision_is_that_of_pycocotools(block: int) -> None:
    seen = []
    for seed in range(50 * block, 50 * block + 50):
        truth, found = case_of(seed)
        wanted = [max(value, 0.0) for value in oracle(truth, found)]
        assert ours(truth, found) == pytest.approx(wanted, abs=1e-9), f"seed {seed}"
        seen.append(wanted[0])
    assert len(set(seen)) > 40, "they differ"


def test_a_sample_that_is_drawn_twice_counts_twice() -> None:
    """As the same images under other numbers: what the bootstrap rests on."""
    # Equal scores stand in the order of the images, which is another one then.
    for seed in (seed for seed in range(40) if seed % 3):
        truth, found = case_of(seed)
        rows = np.random.default_rng(seed).integers(0, len(truth), len(truth))
        arrays = objects_of([{"objects": objects} for objects in truth], ABOUT)
        assert arrays is not None
        matched = match(found, arrays, OVERLAPS)
        times = np.bincount(rows, minlength=len(truth))
        again = ours([truth[row] for row in rows], [found[row] for row in rows])
        assert average(matched, times) == pytest.approx(again[0], abs=1e-9)


def outputs_of(*samples: list[tuple[list[float], list[float]]]) -> dict[str, Any]:
    """Boxes as edges, and scores by class."""
    boxes = np.array([[box for box, _ in rows] for rows in samples], np.float32)
    return {
        "boxes": boxes,
        "scores": np.array([[s for _, s in rows] for rows in samples], np.float32),
    }


TWO = [([0.1, 0.1, 0.5, 0.5], [0.9, 0, 0]), ([0.6, 0.6, 0.9, 0.9], [0.9, 0, 0])]
BOX, OTHER, NONE = [0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9], [0.0, 0.0, 0.0, 0.0]


def test_the_score_has_an_interval_and_the_metric_that_was_chosen() -> None:
    right = [(BOX, [0.9, 0, 0]), (OTHER, [0, 0.8, 0])]
    outputs = outputs_of(right, [(BOX, [0.2, 0, 0]), (NONE, [0, 0, 0])])
    objects = [{"objects": [{"box": [0.1, 0.1, 0.4, 0.4], "label": "cat"}]}] * 2
    truth = objects_of(objects, ABOUT)
    score = PURPOSE.task.score(outputs, truth, ABOUT)
    measured = score.measured()
    assert measured["metric"] == "average_precision" and measured["samples"] == 2
    assert measured["value"] == pytest.approx(1.0) and measured["low"] == pytest.approx(1.0)
    missed = outputs_of(right, [(OTHER, [0.2, 0, 0]), (NONE, [0, 0, 0])])
    worse = PURPOSE.task.score(missed, truth, ABOUT)
    value = worse.measured()["value"]
    assert value == pytest.approx(51 / 101), "one of two objects is found, and nothing before it"
    less = worse.compared(score)["less"]
    assert less[0] == pytest.approx(0.0) and less[1] == pytest.approx(1.0)
    options = {**PURPOSE.options, "metric": "average_precision_50"}
    coarse = Purpose(name=PURPOSE.name, options=options, labels=PURPOSE.labels).about()
    shifted = outputs_of([([0.1, 0.1, 0.5, 0.4], [0.9, 0, 0])] * 1, [(BOX, [0.9, 0, 0])])
    assert PURPOSE.task.score(shifted, truth, coarse).measured()["value"] == pytest.approx(1.0)
    assert PURPOSE.task.score(shifted, truth, ABOUT).measured()["value"] < 0.9


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ([(BOX, [0.9, 0, 0])], [(BOX, [0.7, 0, 0])], 1.0),
        ([(BOX, [0.9, 0, 0])], [(BOX, [0, 0.9, 0])], 0.0),
        ([(BOX, [0.9, 0, 0])], [([0.1, 0.1, 0.5, 0.45], [0.9, 0, 0])], 0.0),
        ([(BOX, [0.9, 0, 0])], [([0.1, 0.1, 0.5, 0.48], [0.9, 0, 0])], 1.0),
        ([(BOX, [0.52, 0, 0])], [(BOX, [0.1, 0, 0])], 1.0),
        ([(BOX, [0.52, 0, 0])], [(BOX, [0.48, 0, 0])], 1.0),
        ([(BOX, [0.56, 0, 0])], [(BOX, [0.1, 0, 0])], 0.0),
        ([(NONE, [0.1, 0, 0])], [(NONE, [0.2, 0, 0])], 1.0),
        (TWO, [(BOX, [0.9, 0, 0]), (OTHER, [0.1, 0, 0])], 2 / 3),
        (TWO[:1] * 2, [(BOX, [0.9, 0, 0]), (NONE, [0.1, 0, 0])], 2 / 3),
    ],
)  # fmt: skip
def test_boxes_agree_by_class_and_overlap(first: Any, second: Any, share: float) -> None:
    for one, other in ((first, second), (second, first)):
        measured = PURPOSE.task.agree(outputs_of(one), outputs_of(other), ABOUT)
        assert measured == {"box_agreement": pytest.approx(share)}


def test_a_report_shows_what_both_found() -> None:
    one = outputs_of([(BOX, [0.9, 0, 0]), (OTHER, [0, 0.75, 0]), (NONE, [0, 0, 0])])
    other = outputs_of(
        [([0.1, 0.1, 0.5, 0.45], [0.8, 0, 0]), (NONE, [0, 0, 0]), (OTHER, [0, 0, 0.6])]
    )
    source, artifact = ({name: values[0] for name, values in each.items()} for each in (one, other))
    objects = [{"objects": [{"box": [0.1, 0.1, 0.4, 0.4], "label": "cat"}] * 2}]
    truth = objects_of(objects, ABOUT)
    shown = PURPOSE.task.show(source, artifact, truth.sample(0), ABOUT)
    lines = [(line.name, line.source, line.artifact, line.right) for line in shown.lines]
    assert lines == [
        ("cat, 0.40×0.40 at 0.10, 0.10", "90.0%", "80.0%", True),
        ("dog, 0.30×0.30 at 0.60, 0.60", "75.0%", "–", False),
        ("cow, 0.30×0.30 at 0.60, 0.60", "–", "60.0%", False),
    ]
    assert shown.changed and shown.truth == "with 2 × cat" and shown.heading == "Object"
    outlines = [[tuple(stroke[0]), tuple(stroke[2])] for stroke in shown.drawn.source]
    corners = [((0.1, 0.1), (0.5, 0.5)), ((0.6, 0.6), (0.9, 0.9))]
    np.testing.assert_allclose(outlines, corners, atol=1e-6)
    assert all(stroke[0] == stroke[-1] and len(stroke) == 5 for stroke in shown.drawn.artifact)
    same = PURPOSE.task.show(source, source, None, ABOUT)
    assert not same.changed and same.truth == "" and len(same.lines) == 2


def test_a_report_draws_in_shares_of_the_input_and_tells_pixels() -> None:
    """An image of 100 by 200 pixels in the upper half of an input of 100 by 100."""
    origin = {"size": [100, 200], "input": [100, 100], "scale": [0.5, 0.5], "pad": [0, 0]}
    origins = PerSample({name: np.array([value]) for name, value in origin.items()})
    about = PURPOSE.about(origins=origins)
    outputs = {name: values[0] for name, values in outputs_of([(BOX, [0.9, 0, 0])]).items()}
    shown = PURPOSE.task.show(outputs, outputs, None, about)
    assert [line.name for line in shown.lines] == ["cat, 80×80 at 20, 20"]
    np.testing.assert_allclose(shown.drawn.source[0][0], [0.1, 0.1], atol=1e-6)


def test_truth_is_of_classes_that_the_model_knows() -> None:
    facts = [
        {"objects": [{"box": [1, 2, 3, 4], "label": "dog"}, {"box": [0, 0, 1, 1], "label": "fox"}]},
        {"objects": []},
        {"objects": [{"box": [5, 5, 2, 2], "label": 2, "crowd": True}]},
    ]
    truth = objects_of(facts, ABOUT)
    assert isinstance(truth, PerSample) and len(truth) == 3
    assert truth.of("boxes", 0).tolist() == [[1, 2, 4, 6]] and truth.of("classes", 0) == [1]
    assert truth.of("boxes", 1).shape == (0, 4)
    assert truth.of("crowd", 2).tolist() == [1]
    assert objects_of([{}, {"label": 3}], ABOUT) is None
    empty = objects_of([{"objects": []}], ABOUT)
    assert empty is not None and len(empty) == 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([{"objects": []}, {}], "nothing is said of what is in sample 1"),
        ([{"objects": [{"box": [0, 0, 1, 1], "label": "fox"}]}], "knows none of .*: fox"),
        ([{"objects": [{"box": [0, 0, 1], "label": "cat"}]}], "is no box"),
        ([{"objects": [{"box": [0, 0, -1, 1], "label": "cat"}]}], "is no box"),
        ([{"objects": [{"box": "wide", "label": "cat"}]}], "'wide' is no box"),
        ([{"objects": [{"box": [0, 0, float("nan"), 1], "label": "cat"}]}], "is no box"),
    ],
)
def test_what_is_no_truth_is_said(facts: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        objects_of(facts, ABOUT)
