"""Objects are decoded and suppressed as the field does: by other code's rules and answers."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import detection_cases
import numpy as np
import pytest

from pipeline.base.errors import ConfigError
from pipeline.tasks.find import Purpose
from pipeline.tasks.object_detection.anchors import make_anchors
from pipeline.tasks.object_detection.answers import find
from pipeline.tasks.object_detection.decode import Candidates, decode
from pipeline.tasks.object_detection.options import Anchors, Options
from pipeline.tasks.object_detection.suppress import suppress

CASES = json.loads(detection_cases.FILE.read_text())
PARTS = {"boxes": {"output": "boxes", "order": "xyxy"}, "scores": "scores"}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_cases_are_pythons_answers(number: int) -> None:
    case = CASES[number]
    answers = detection_cases.answered(case)["answers"]
    assert len(answers) == len(case["answers"])
    for found, wanted in zip(answers, case["answers"], strict=True):
        assert (found["label"], found["index"]) == (wanted["label"], wanted["index"])
        assert found["score"] == pytest.approx(wanted["score"])
        assert found["box"] == pytest.approx(wanted["box"])


#: MediaPipe's face detectors, short and full range, pose detector, and TensorFlow's SSD of COCO.
KNOWN: list[tuple[dict[str, Any], int]] = [
    ({"size": 128, "strides": [8, 16, 16, 16], "fixed_size": True}, 896),
    ({"size": 192, "strides": [4], "interpolated": 0, "fixed_size": True}, 2304),
    ({"size": 224, "strides": [8, 16, 32, 32, 32], "fixed_size": True}, 2254),
    (
        {
            "size": 300,
            "strides": [16, 32, 64, 100, 150, 300],
            "reduce_lowest": True,
            "aspect_ratios": [1, 2, 0.5, 3, 1 / 3],
        },
        1917,
    ),
]


@pytest.mark.parametrize(("options", "count"), KNOWN)
def test_models_have_as_many_anchors_as_outputs(options: dict[str, Any], count: int) -> None:
    anchors = make_anchors(Anchors(**options))
    assert anchors.shape == (count, 4)
    assert (anchors[:, :2] > 0).all() and (anchors[:, :2] < 1).all()


def test_anchors_have_the_sizes_of_the_papers() -> None:
    """Liu et al. 2016: scales from 0.2 to 0.95, and one more of the mean of two by products."""
    options = Anchors(size=300, strides=(150, 300), aspect_ratios=(1.0, 2.0), scales=(0.2, 0.9))
    anchors = make_anchors(options)
    places = list(itertools.product((0.25, 0.75), repeat=2))
    for place, (y, x) in enumerate(places):
        rows = anchors[3 * place : 3 * place + 3]
        np.testing.assert_allclose(rows[:, :2], [[x, y]] * 3)
        sizes = [[0.2, 0.2], [0.2 * 2**0.5, 0.2 / 2**0.5], [math.sqrt(0.18)] * 2]
        np.testing.assert_allclose(rows[:, 2:], sizes)
    np.testing.assert_allclose(anchors[-1], [0.5, 0.5, *[math.sqrt(0.9)] * 2])


def runtime_nms(boxes: Any, scores: Any, iou: float, threshold: float) -> list[tuple[int, int]]:
    """Class and box of what ONNX Runtime keeps, each class by itself."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, None, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, None, None]),
    ]
    constants = [
        helper.make_tensor("max", TensorProto.INT64, [], [1000]),
        helper.make_tensor("iou", TensorProto.FLOAT, [], [iou]),
        helper.make_tensor("threshold", TensorProto.FLOAT, [], [threshold]),
    ]
    node = helper.make_node(
        "NonMaxSuppression", ["boxes", "scores", "max", "iou", "threshold"], ["y"]
    )
    output = helper.make_tensor_value_info("y", TensorProto.INT64, [None, 3])
    graph = helper.make_graph([node], "nms", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (kept,) = session.run(None, {"boxes": boxes[None], "scores": scores.T[None]})
    return [(int(group), int(box)) for _, group, box in kept]


@pytest.mark.parametrize("seed", range(12))
def test_plain_suppression_is_that_of_onnx_runtime(seed: int) -> None:
    chance = np.random.default_rng(seed)
    count, classes = int(chance.integers(1, 60)), int(chance.integers(1, 4))
    start = chance.uniform(0, 0.7, (count, 2))
    boxes = np.concatenate([start, start + chance.uniform(0, 0.4, (count, 2))], 1)
    boxes, scores = boxes.astype(np.float32), chance.uniform(0, 1, (count, classes))
    scores = scores.astype(np.float32)
    iou, threshold = chance.uniform(0.1, 0.9, 2).round(2)
    by_class = bool(seed % 2)
    # Suppression of all classes together is that of each box's best score, in one class.
    given = scores if by_class else scores.max(axis=1, keepdims=True)
    kept = runtime_nms(boxes, given, iou, threshold)
    nms = {"iou": iou, "by_class": by_class}
    options = Options(**PARTS, nms=nms, threshold=threshold, max=1000)
    found = suppress(decode({"boxes": boxes, "scores": scores}, options), options)
    wanted = sorted(kept, key=lambda one: -given[one[1], one[0]])
    np.testing.assert_allclose(found.scores, [given[box, group] for group, box in wanted])
    np.testing.assert_allclose(found.boxes, boxes[[box for _, box in wanted]])
    if by_class:
        assert found.classes.tolist() == [group for group, _ in wanted]
    else:
        assert found.classes.tolist() == scores[[box for _, box in wanted]].argmax(1).tolist()


def mediapipe_weighted(found: list[list[float]], iou: float) -> list[list[float]]:
    """``non_max_suppression_calculator.cc``, one number after the other: [score, box, points]."""

    def overlap(a: list[float], b: list[float]) -> float:
        width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        height = max(0.0, min(a[4], b[4]) - max(a[2], b[2]))
        area = (a[3] - a[1]) * (a[4] - a[2]) + (b[3] - b[1]) * (b[4] - b[2]) - width * height
        return width * height / area if area > 0 else 0.0

    remained, kept = sorted(found, key=lambda one: -one[0]), []
    while remained:
        first = remained[0]
        near = [one for one in remained if overlap(one, first) > iou]
        remained = [one for one in remained if overlap(one, first) <= iou]
        total = sum(one[0] for one in near)
        means = [sum(one[0] * one[i] for one in near) / total for i in range(1, len(first))]
        kept.append([first[0], *means])
    return kept


@pytest.mark.parametrize("seed", range(8))
def test_weighted_suppression_is_mediapipes(seed: int) -> None:
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 50))
    start = chance.uniform(0, 0.5, (count, 2))
    boxes = np.concatenate([start, start + chance.uniform(0.05, 0.5, (count, 2))], 1)
    scores, points = chance.uniform(0.01, 1, (count, 1)), chance.uniform(0, 1, (count, 3, 2))
    options = Options(**PARTS, nms={"kind": "weighted", "iou": 0.3}, threshold=0, max=1000)
    found = suppress(Candidates(boxes, scores, None, points), options)
    rows = [
        [score, *box, *spots.ravel()]
        for (score,), box, spots in zip(scores.tolist(), boxes.tolist(), points, strict=True)
    ]
    wanted = np.array(mediapipe_weighted(rows, 0.3))
    ours = np.concatenate([found.scores[:, None], found.boxes, found.points.reshape(-1, 6)], 1)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


def test_the_same_head_in_one_tensor_and_in_two_gives_the_same() -> None:
    """As TF.js and TFLite have it, with the sigmoid in the graph or outside."""
    one, two = CASES[0], CASES[2]
    purpose = Purpose(name="object-detection", options=two["options"])
    logits = np.array(two["outputs"]["scores"]["data"], np.float32).reshape(1, -1, 1)
    boxes = np.array(two["outputs"]["boxes"]["data"], np.float32).reshape(1, -1, 8)
    inside = 1 / (1 + np.exp(-logits.astype(np.float64)))
    raw = purpose.about()
    scores = raw.options.scores.model_copy(update={"activation": "none"})
    done = purpose.model_copy(
        update={"options": raw.options.model_copy(update={"scores": scores}).model_dump()}
    ).about()
    joined = Purpose(name="object-detection", options=one["options"]).about()
    y = np.concatenate([logits, boxes], -1)
    (first,) = find({"boxes": boxes, "scores": logits}, raw)
    (second,) = find({"boxes": boxes, "scores": inside}, done)
    (third,) = find({"y": y}, joined)
    assert len(first.scores) > 5
    for other in (second, third):
        np.testing.assert_allclose(other.boxes, first.boxes)
        np.testing.assert_allclose(other.scores, first.scores)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"boxes": "b", "scores": "scores"}, "there is no output b, only boxes, scores"),
        (
            {**PARTS, "boxes": {"output": "boxes", "columns": [0, 3]}},
            "has 4 columns, boxes needs 4",
        ),
        ({**PARTS, "scores": {"output": "scores", "columns": [0, 9]}}, "needs columns up to 9"),
        ({**PARTS, "keypoints": {"output": "boxes", "columns": [0, 3]}}, "points have 3 columns"),
        (
            {
                **PARTS,
                "boxes": {"output": "boxes", "order": "cxcywh"},
                "anchors": {"size": 64, "strides": [32]},
            },
            "there are 8 anchors for 3 boxes",
        ),
        (
            {"boxes": {"output": "boxes", "order": "wh"}, "scores": "scores", "centers": {}},
            "is no map",
        ),
    ],
)
def test_what_does_not_fit_the_outputs_is_said(options: dict[str, Any], said: str) -> None:
    outputs = {"boxes": np.zeros((1, 3, 4), np.float32), "scores": np.zeros((1, 3, 2), np.float32)}
    with pytest.raises(ConfigError, match=said) as caught:
        find(outputs, Purpose(name="object-detection", options=options).about())
    assert caught.value.where.startswith("task.object-detection.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"boxes": {"output": "b", "order": "wh"}}, "go with centers"),
        ({"centers": {}}, "go with centers"),
        (
            {"boxes": {"output": "b", "order": "hw"}, "centers": {"window": 4}},
            "a cell in its middle",
        ),
        (
            {"boxes": {"output": "b", "order": "hw"}, "centers": {}, "keypoints": "p"},
            "without anchors",
        ),
        ({"anchors": {"size": 8, "strides": [8]}}, "relative to anchors are"),
        ({"scores": {"output": "s", "columns": [3, 3]}}, "the one behind the last"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Options(**{"boxes": "b", "scores": "s", **options})
