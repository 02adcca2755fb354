"""What a report shows of points: both answers over the picture, and what is furthest off."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from pipeline.report.samples import _path
from pipeline.tasks.find import Purpose
from pipeline.tasks.pose_estimation.skeletons import skeletons
from pipeline.tensors.per_sample import PerSample

POSES = Purpose(
    name="pose-estimation", options={"points": {"output": "points", "order": "yxs", "rows": 2}}
)
HANDS = Purpose(
    name="hand-landmarks", options={"points": {"output": "points", "scale": 64}, "score": "score"}
)


def poses(seed: int, scores: tuple[float, float]) -> dict[str, Any]:
    """Two poses, left and right, whose points all have one score each."""
    points = np.random.default_rng(seed).uniform(0.1, 0.4, (2, 17, 3))
    points[1, :, 1] += 0.5
    points[..., 2] = np.array(scores)[:, None]
    return {"points": points.astype(np.float32)}


def test_the_point_that_is_furthest_off_is_told_in_pixels() -> None:
    source = poses(0, (0.9, 0.1))
    artifact = {"points": source["points"].copy()}
    wrist = skeletons()["coco"].names.index("left_wrist")
    artifact["points"][0, wrist, 1] += 0.1
    origin = {"size": [50, 200], "input": [100, 100], "scale": [2, 0.5], "pad": [0, 0]}
    about = POSES.about(
        origins=PerSample({name: np.array([value]) for name, value in origin.items()})
    )
    shown = POSES.task.show(source, artifact, None, about)
    y, x = source["points"][0, wrist, :2]
    assert [(line.name, line.source, line.artifact) for line in shown.lines] == [
        ("pose", "90.0%", "90.0%"),
        ("furthest off: left wrist", f"{200 * x:.0f}, {50 * y:.0f}",
         f"{200 * x + 20:.0f}, {50 * y:.0f}"),
    ]  # fmt: skip
    assert shown.changed, "20 pixels are more than 1 % of 200"
    assert not POSES.task.show(source, source, None, about).changed
    lines, dots = ([s for s in shown.drawn.source if len(s) == n] for n in (2, 1))
    assert (len(lines), len(dots)) == (len(skeletons()["coco"].connections), 17)
    np.testing.assert_allclose(dots[wrist][0], [x, y], rtol=1e-6)


def test_what_one_of_both_does_not_find_has_a_dash() -> None:
    source, artifact = poses(0, (0.9, 0.1)), poses(0, (0.9, 0.6))
    shown = POSES.task.show(source, artifact, None, POSES.about())
    assert [(line.source, line.artifact) for line in shown.lines][2:] == [("–", "60.0%")]
    assert shown.changed
    nothing = POSES.task.show(poses(1, (0.1, 0.1)), poses(1, (0.1, 0.1)), None, POSES.about())
    assert nothing.lines == [] and not nothing.changed
    assert list(nothing.drawn.source) == list(nothing.drawn.artifact) == []


def test_a_hand_is_drawn_by_its_bones() -> None:
    points = np.random.default_rng(3).uniform(0, 64, 63).astype(np.float32)
    outputs = {"points": points, "score": np.array([0.9], np.float32)}
    shown = HANDS.task.show(outputs, outputs, None, HANDS.about())
    assert [len(stroke) for stroke in shown.drawn.source].count(1) == 21
    numbers = [float(n) for n in re.findall(r"[\d.e-]+", _path(shown.drawn.source))]
    strokes = [s if len(s) > 1 else [*s] * 2 for s in shown.drawn.source]
    wanted = [value for stroke in strokes for point in stroke for value in point]
    assert numbers == pytest.approx(wanted, rel=1e-3)
