from __future__ import annotations

from itertools import combinations

import numpy as np

from pipeline.report.labels import Box, place

AREA = Box(0, 0, 600, 300)


def test_names_stand_beside_points_that_have_room() -> None:
    points = [(100.0, 100.0), (300.0, 200.0)]
    boxes = place(points, [(60, 14)] * 2, AREA)
    for (x, y), box in zip(points, boxes, strict=True):
        assert 0 < box.left - x < 12 and box.top < y < box.bottom


def test_no_name_covers_a_point_or_another_name() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        points = [(float(x), 150.0) for x in random.uniform(50, 550, 8)]
        boxes = place(points, [(80, 14)] * 8, AREA)
        assert all(a.overlap(b) == 0 for a, b in combinations(boxes, 2))
        dots = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
        assert all(box.overlap(dot) == 0 for box in boxes for dot in dots)
        assert all(box.overlap(AREA) == box.area for box in boxes)


def test_names_at_the_edge_stay_inside() -> None:
    (box,) = place([(595.0, 5.0)], [(100, 14)], AREA)
    assert box.right <= 600 and box.top >= 0


def test_thin_lines_are_crossed_only_for_want_of_room() -> None:
    line = Box(0, 99, 600, 101)
    (box,) = place([(300.0, 100.0)], [(60, 14)], AREA, [line])
    assert box.overlap(line) == 0
