"""Maps of points -> poses, as shares of the input. The twin is ``heatmaps.js``.

Several poses are those of Papandreou et al. 2018, PersonLab (arXiv:1803.08225, sec. 3.1.2), with
the constants of TensorFlow's PoseNet: from each peak along a tree of displacements, each end
refined twice by the offsets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.tasks.part import Part, read_map, read_table, wrong
from pipeline.tasks.points import Found
from pipeline.tasks.pose_estimation.options import Heatmaps
from pipeline.tensors.arrays import Array, Arrays, Float64s, np

#: Where a config says it.
AT = "task.pose-estimation.heatmaps."

#: The tree of displacements: pairs of points of COCO, from the nose outwards.
EDGES = (
    *((0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11), (11, 13), (13, 15)),
    *((0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16)),
)

#: How often the end of a displacement is moved by the offsets.
REFINEMENTS = 2


@dataclass(frozen=True)
class Maps:
    """What PoseNet tells of a sample; y before x everywhere."""

    scores: Float64s
    """[height, width, n]"""
    offsets: Float64s
    """[height, width, 2, n], in pixels."""
    stride: int

    def cell(self, point: Float64s) -> tuple[int, int]:
        """The one that is nearest to a point, [2] in pixels."""
        most = np.array(self.scores.shape[:2]) - 1
        near = np.nan_to_num(np.floor(point / self.stride + 0.5))
        row, column = np.clip(near, 0, most).astype(int)
        return int(row), int(column)

    def at(self, row: int, column: int, part: int) -> Float64s:
        """Where a point is by the offset of a cell: [2], in pixels."""
        spot: Float64s = np.array([row, column]) * self.stride + self.offsets[row, column, :, part]
        return spot


@dataclass(frozen=True)
class Tree:
    """From a point to the next one, and back; y before x."""

    forward: Float64s
    """[height, width, 2, edges], in pixels."""
    backward: Float64s
    """[height, width, 2, edges]"""


def read_poses(
    outputs: Arrays, how: Heatmaps, count: int, most: int, size: Array | None = None
) -> Found:
    """Of one sample, at most ``most``, as shares of the input.

    Args:
        count: how many points a pose has.
        size: [2], the input's height and width; ``None``: a multiple of the stride and a pixel.

    Raises:
        ConfigError: an output is missing, or of another shape.
    """
    scores = read_map(outputs, how.scores, AT + "scores")
    height, width, points = scores.shape
    if points != count:
        raise wrong(f"{how.scores.output} has {points} points, not {count}", AT + "scores")

    def pairs(part: Part, name: str, each: int) -> Float64s:
        table = read_table(outputs, part, AT + name, rows=height * width, wide=2 * each)
        return table.reshape(height, width, 2, each)

    maps = Maps(scores, pairs(how.offsets, "offsets", count), how.stride)
    if how.forward and how.backward:
        tree = Tree(
            pairs(how.forward, "forward", len(EDGES)), pairs(how.backward, "backward", len(EDGES))
        )
        found = _find_several(maps, tree, how, most)
    else:
        found = _find_one(maps)
    if size is None:
        size = (np.array([height, width]) - 1) * how.stride + 1
    return replace(found, points=found.points / size[::-1])


def _find_one(maps: Maps) -> Found:
    """Each point where its map is highest."""
    _, width, count = maps.scores.shape
    cells = _numbers(maps.scores).reshape(-1, count).argmax(axis=0)
    places = [(*divmod(int(cell), width), part) for part, cell in enumerate(cells)]
    sure = np.array([maps.scores[place] for place in places])
    spots = np.array([maps.at(*place)[::-1] for place in places])
    return Found(sure.mean(keepdims=True), spots[None], sure[None])


def _find_several(maps: Maps, tree: Tree, how: Heatmaps, most: int) -> Found:
    poses: list[tuple[Float64s, Float64s]] = []
    scores: list[float] = []
    for row, column, part in _peaks(maps.scores, how.least):
        if len(poses) == most:
            break
        others = [spots for spots, _ in poses]
        root = maps.at(row, column, part)
        if any(((root - spots[part]) ** 2).sum() <= how.radius**2 for spots in others):
            continue
        spots, sure = _follow(maps, tree, part, root, float(maps.scores[row, column, part]))
        apart = [((spots - other) ** 2).sum(axis=1) > how.radius**2 for other in others]
        scores.append(
            float((sure * np.all([np.ones(len(sure)), *apart], axis=0)).sum() / len(sure))
        )
        poses.append((spots, sure))
    count = maps.scores.shape[2]
    spots = np.array([spots[:, ::-1] for spots, _ in poses]).reshape(-1, count, 2)
    return Found(np.array(scores), spots, np.array([sure for _, sure in poses]).reshape(-1, count))


def _peaks(scores: Float64s, least: float) -> list[tuple[int, int, int]]:
    """Row, column and point of cells that no neighbour surpasses, the surest first."""
    scores = _numbers(scores)
    padded = np.pad(scores, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1)).max(axis=(-2, -1))
    rows = np.argwhere((scores >= least) & (scores == around))
    order = np.argsort([-scores[tuple(row)] for row in rows], kind="stable")
    return [(int(y), int(x), int(part)) for y, x, part in rows[order]]


def _numbers(scores: Float64s) -> Float64s:
    """What is no number is the lowest."""
    numbers: Float64s = np.where(np.isnan(scores), -np.inf, scores)
    return numbers


def _follow(
    maps: Maps, tree: Tree, part: int, root: Float64s, score: float
) -> tuple[Float64s, Float64s]:
    """The pose that a point is of: [n, 2] as y and x, and [n] how sure each is."""
    spots, sure = {part: root}, {part: score}
    edges = list(enumerate(EDGES))
    back = [(edge, child, parent, tree.backward) for edge, (parent, child) in reversed(edges)]
    out = [(edge, parent, child, tree.forward) for edge, (parent, child) in edges]
    for edge, source, target, displacements in (*back, *out):
        if source not in spots or target in spots:
            continue
        row, column = maps.cell(spots[source])
        spot: Float64s = spots[source] + displacements[row, column, :, edge]
        for _ in range(REFINEMENTS):
            spot = maps.at(*maps.cell(spot), target)
        spots[target], sure[target] = spot, float(maps.scores[(*maps.cell(spot), target)])
    order = range(maps.scores.shape[2])
    return np.array([spots[i] for i in order]), np.array([sure[i] for i in order])
