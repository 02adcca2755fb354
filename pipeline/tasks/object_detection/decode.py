"""Outputs -> boxes with scores, as shares of the input. The twin is ``decode.js``.

Boxes with anchors are decoded as MediaPipe's ``tensors_to_detections_calculator.cc`` does, centres
as the paper has it (Zhou et al. 2019, arXiv:1904.07850, sec. 4.1). All arithmetic is float64.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.tasks.object_detection.anchors import make_anchors
from pipeline.tasks.object_detection.options import Boxes, Centers, Options
from pipeline.tasks.part import read_map, read_table, wrong
from pipeline.tensors.arrays import Arrays, Float64s, Int64s, np

#: Where a config says it.
AT = "task.object-detection."


@dataclass(frozen=True)
class Candidates:
    """What a head tells of k boxes."""

    boxes: Float64s
    """[k, 4]: left, upper, right and lower edge."""
    scores: Float64s
    """[k, classes], or [k, 1]."""
    classes: Int64s | None
    """[k], where the graph chose them."""
    points: Float64s
    """[k, points, 2], x and y; no points where there are none."""


def decode(outputs: Arrays, options: Options) -> Candidates:
    """All candidates of one sample.

    Args:
        outputs: by name, without the axis of samples.

    Raises:
        ConfigError: an output is missing, or of another shape than the options say.
    """
    if options.centers:
        return _decode_centers(outputs, options, options.centers)
    raw = read_table(outputs, options.boxes, AT + "boxes", wide=4)
    anchors = None
    if options.anchors:
        anchors = make_anchors(options.anchors)
        if len(anchors) != len(raw):
            raise wrong(f"there are {len(anchors)} anchors for {len(raw)} boxes", AT + "anchors")
    scores = read_table(outputs, options.scores, AT + "scores", rows=len(raw))
    classes = None
    if options.classes:
        numbers = read_table(outputs, options.classes, AT + "classes", rows=len(raw), wide=1)[:, 0]
        classes = np.nan_to_num(np.floor(numbers + 0.5)).astype(np.int64) - options.classes.first
    points = np.empty((len(raw), 0, 2))
    if options.keypoints:
        numbers = read_table(outputs, options.keypoints, AT + "keypoints", rows=len(raw))
        if numbers.shape[1] % 2:
            raise wrong(
                f"points have {numbers.shape[1]} columns, no x and y each", AT + "keypoints"
            )
        points = _placed(numbers.reshape(len(raw), -1, 2) / _scale(options.boxes)[:2], anchors)
    return Candidates(_edges(raw, options.boxes, anchors), scores, classes, points)


def _decode_centers(outputs: Arrays, options: Options, how: Centers) -> Candidates:
    """Of maps [height, width, …]: each cell is a candidate for the classes whose peak it is."""
    heat = read_map(outputs, options.scores, AT + "scores")
    height, width, count = heat.shape
    cells = height * width
    rows, columns = np.divmod(np.arange(cells), width)
    centers = np.stack([columns, rows], 1).astype(np.float64)
    if how.offsets:
        offsets = read_table(outputs, how.offsets, AT + "centers.offsets", rows=cells, wide=2)
        centers += offsets if how.order == "xy" else offsets[:, ::-1]
    around = _distances(outputs, options.boxes, cells)
    boxes = np.concatenate([centers - around[:, :2], centers + around[:, 2:]], 1)
    boxes /= [width, height, width, height]
    scores = np.where(heat == _highest(heat, how.window), heat, -np.inf)
    return Candidates(boxes, scores.reshape(cells, count), None, np.empty((cells, 0, 2)))


def _distances(outputs: Arrays, boxes: Boxes, cells: int) -> Float64s:
    """[cells, 4]: how far the left, upper, right and lower edge are from the centre, in cells."""
    if boxes.order == "ltrb":
        return read_table(outputs, boxes, AT + "boxes", rows=cells, wide=4) / _scale(boxes)
    sizes = read_table(outputs, boxes, AT + "boxes", rows=cells, wide=2)
    halves = (sizes if boxes.order == "wh" else sizes[:, ::-1]) / _scale(boxes)[2:] / 2
    return np.concatenate([halves, halves], 1)


def _highest(heat: Float64s, window: int) -> Float64s:
    """The highest value in the window around each cell of [height, width, classes]."""
    around = window // 2
    padded = np.pad(heat, ((around, around), (around, around), (0, 0)), constant_values=-np.inf)
    views = np.lib.stride_tricks.sliding_window_view(padded, (window, window), (0, 1))
    highest: Float64s = views.max(axis=(-2, -1))
    return highest


def _edges(raw: Float64s, options: Boxes, anchors: Float64s | None) -> Float64s:
    """[k, 4] as the options order it -> left, upper, right and lower edge."""
    x, y, wide, tall = _scale(options)
    order = options.order
    if order in ("yxyx", "xyxy"):
        values = raw[:, [1, 0, 3, 2]] if order == "yxyx" else raw
        edges: Float64s = values / [x, y, x, y]
        return edges
    values = (raw[:, [1, 0, 3, 2]] if order == "cycxhw" else raw) / [x, y, wide, tall]
    start, size = values[:, :2], np.exp(values[:, 2:]) if options.exponential else values[:, 2:]
    if order == "xywh":
        return _around(start + size / 2, size)
    if anchors is not None:
        start, size = _placed(start[:, None], anchors)[:, 0], size * anchors[:, 2:]
    return _around(start, size)


def _around(centers: Float64s, sizes: Float64s) -> Float64s:
    """[k, 4] as left, upper, right and lower edge."""
    return np.concatenate([centers - sizes / 2, centers + sizes / 2], 1)


def _placed(points: Float64s, anchors: Float64s | None) -> Float64s:
    """Points [k, …, 2] relative to anchors -> in the input."""
    if anchors is None:
        return points
    placed: Float64s = points * anchors[:, None, 2:] + anchors[:, None, :2]
    return placed


def _scale(options: Boxes) -> Float64s:
    """Of x, y, width and height."""
    return np.broadcast_to(np.array(options.scale, np.float64), (4,))
