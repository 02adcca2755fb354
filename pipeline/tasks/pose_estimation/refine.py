"""Points made more exact by a map. The twin is ``refine.js``.

As MediaPipe's ``refine_landmarks_from_heatmap_calculator.cc`` does it. (tfjs-models' port of that
bounds rows by the number of columns.)
"""

from __future__ import annotations

from pipeline.tasks.part import read_map, wrong
from pipeline.tasks.pose_estimation.options import Refinement
from pipeline.tensors.arrays import Arrays, Float64s, np

AT = "task.pose-estimation.refine"


def refine(points: Float64s, outputs: Arrays, how: Refinement) -> Float64s:
    """Each point moved to the middle of what the map has around it, where that is sure.

    Args:
        points: [n, 2 or 3], as shares of the input; the map may be of more points.

    Raises:
        ConfigError: the map is missing, or of fewer points.
    """
    maps = read_map(outputs, how, AT)
    height, width, count = maps.shape
    if count < len(points):
        raise wrong(f"{how.output} is of {count} points, not {len(points)}", AT)
    refined, around = points.copy(), (how.window - 1) // 2
    for number, (x, y) in enumerate(points[:, :2] * [width, height]):
        # Cut towards 0, as C++ does.
        if not (-1 < x < width and -1 < y < height):
            continue
        column, row = int(x), int(y)
        rows = np.arange(max(row - around, 0), min(row + around + 1, height))
        columns = np.arange(max(column - around, 0), min(column + around + 1, width))
        values = maps[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, number]
        total = values.sum()
        if values.max() >= how.least and total > 0:
            refined[number, 0] = (values.sum(axis=0) @ columns) / total / width
            refined[number, 1] = (values.sum(axis=1) @ rows) / total / height
    return refined
