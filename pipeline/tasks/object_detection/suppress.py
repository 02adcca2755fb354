"""Several boxes of one object become one: non-maximum suppression. The twin is ``suppress.js``.

``weighted`` is MediaPipe's (``non_max_suppression_calculator.cc``; Bazarevsky et al. 2019,
arXiv:1907.05047, sec. 3.3), ``plain`` everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.tasks.object_detection.decode import Candidates
from pipeline.tasks.object_detection.options import Options, Suppression
from pipeline.tensors.arrays import Array, Float64s, Int64s, NDArray, np

#: The surest boxes that are looked at; the time grows with their square.
MOST_CANDIDATES = 2000


@dataclass(frozen=True)
class Found:
    """k objects, the surest first."""

    boxes: Float64s
    """[k, 4]: left, upper, right and lower edge."""
    scores: Float64s
    """[k]."""
    classes: Int64s
    """[k]."""
    points: Float64s
    """[k, points, 2], x and y."""

    def rows(self, indices: Int64s | NDArray[np.bool_]) -> Found:
        """Some of them."""
        return Found(*(values[indices] for values in _fields(self)))


def suppress(candidates: Candidates, options: Options) -> Found:
    """What is sure enough, each object once, at most ``options.max``."""
    sure, nms = _sure(candidates, options), options.nms
    if nms is None or not len(sure.scores):
        return sure.rows(np.arange(min(len(sure.scores), options.max)))
    groups = sure.classes if nms.by_class else np.zeros_like(sure.classes)
    parts = [_merge(sure.rows(groups == group), options) for group in np.unique(groups)]
    joined = Found(*(np.concatenate(fields) for fields in zip(*map(_fields, parts), strict=True)))
    return joined.rows(np.argsort(-joined.scores, kind="stable")[: options.max])


def _fields(found: Found) -> tuple[Array, ...]:
    return found.boxes, found.scores, found.classes, found.points


def _sure(candidates: Candidates, options: Options) -> Found:
    """Candidates over the threshold, the surest first; of equals, the first one."""
    scores, several = candidates.scores, options.nms is not None and options.nms.by_class
    if candidates.classes is not None or not several:
        boxes = np.arange(len(scores))
        # A NaN is no score.
        best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
    else:
        boxes, best = (axis.ravel() for axis in np.indices(scores.shape))
    values = scores[boxes, best]
    classes = best if candidates.classes is None else candidates.classes
    is_compat = options.nms is not None and options.nms.compat
    enough = values > options.threshold if is_compat else values >= options.threshold
    sizes = candidates.boxes[boxes, 2:] - candidates.boxes[boxes, :2]
    with np.errstate(invalid="ignore"):
        enough &= np.isfinite(candidates.boxes[boxes]).all(axis=1) & (sizes >= 0).all(axis=1)
    kept = np.flatnonzero(enough)
    kept = kept[np.argsort(-values[kept], kind="stable")][:MOST_CANDIDATES]
    rows = boxes[kept]
    return Found(candidates.boxes[rows], values[kept], classes[kept], candidates.points[rows])


def _merge(found: Found, options: Options) -> Found:
    """Those that no surer one meets; ``weighted``: each averaged, by score, with those it meets."""
    nms = options.nms or Suppression()
    kept, boxes, points = [], found.boxes.copy(), found.points.copy()
    rest = np.arange(len(found.scores))
    while len(rest):
        first, shared = rest[0], overlap(found.boxes[rest[0]], found.boxes[rest])
        # TF.js takes boxes for one from the bound on, others beyond it.
        met = shared >= options.threshold if nms.compat else shared > nms.iou
        met[0] = True
        weights = found.scores[rest[met]]
        if nms.kind == "weighted" and (total := weights.sum()) > 0:
            boxes[first] = np.tensordot(weights, found.boxes[rest[met]], 1) / total
            points[first] = np.tensordot(weights, found.points[rest[met]], 1) / total
        kept.append(first)
        rest = rest[~met]
    return replace(found, boxes=boxes, points=points).rows(np.array(kept, np.int64))


def overlap(box: Float64s, boxes: Float64s) -> Float64s:
    """Intersection over union of a box [4] with others [k, 4]; 0 where both have no area."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)
