"""A sample's objects in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pipeline.tasks.contract import About, Drawn, Line, Shown, Stroke
from pipeline.tasks.object_detection.answers import find, label
from pipeline.tasks.object_detection.options import Options
from pipeline.tasks.object_detection.precision import overlap_all
from pipeline.tasks.object_detection.score import pair_boxes
from pipeline.tasks.object_detection.suppress import Found
from pipeline.tensors.arrays import Array, Arrays, np

#: Objects shown of each sample, the source's surest first.
TOP = 5

#: From this overlap on two boxes are shown as one object.
SAME = 0.5

#: What stands where one of both found nothing.
NONE = "–"


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[Options]
) -> Shown:
    """A line for each object of either, with scores as bars; ``right`` where the truth has it."""
    both = [
        {name: values[None] for name, values in outputs.items()} for outputs in (source, artifact)
    ]
    wanted, found = (find(outputs, about)[0] for outputs in both)
    partners = dict(pair_boxes(wanted, found, SAME))
    alone = [row for row in range(len(found.scores)) if row not in partners.values()]
    pairs: list[tuple[int | None, int | None]] = [
        (row, partners.get(row)) for row in range(len(wanted.scores))
    ]
    pairs += [(None, row) for row in alone]
    lines = [_line((wanted, found), pair, truth, about) for pair in pairs[:TOP]]
    changed = any(None in pair for pair in pairs)
    # Without origins, lengths are shares of the input, as in the picture.
    drawn = Drawn(*(_strokes(find(outputs, replace(about, origins=None))[0]) for outputs in both))
    words = "" if truth is None else _in_words(truth, about)
    return Shown(lines, words, changed, drawn, "Object")


def _strokes(found: Found) -> list[Stroke]:
    """The outline of each box, and a dot for each of its points."""
    outlines = [
        [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        for left, top, right, bottom in found.boxes.tolist()
    ]
    return [*outlines, *([(x, y)] for x, y in found.points.reshape(-1, 2).tolist())]


def _line(
    both: tuple[Found, Found],
    pair: tuple[int | None, int | None],
    truth: Mapping[str, Array] | None,
    about: About[Options],
) -> Line:
    one, row = next((of, at) for of, at in zip(both, pair, strict=True) if at is not None)
    # Shares of the input are small, and pixels are not.
    digits = 0 if about.origins else 2
    # No zero has a sign.
    left, top, right, bottom = one.boxes[row].round(digits) + 0.0
    size = f"{right - left:.{digits}f}×{bottom - top:.{digits}f}"
    name = f"{label(int(one.classes[row]), about)}, {size} at {left:.{digits}f}, {top:.{digits}f}"
    before, after = (
        None if at is None else float(of.scores[at]) for of, at in zip(both, pair, strict=True)
    )
    is_right = truth is not None and _is_there(one.rows(np.array([row])), truth)
    return Line(name, _percent(before), _percent(after), before or 0.0, after or 0.0, is_right)


def _percent(score: float | None) -> str:
    return NONE if score is None else f"{score:.1%}"


def _is_there(one: Found, truth: Mapping[str, Array]) -> bool:
    there = truth["classes"] == one.classes[0]
    shared = overlap_all(one.boxes, truth["boxes"][there], np.zeros(int(there.sum()), bool))
    return bool((shared >= SAME).any())


def _in_words(truth: Mapping[str, Array], about: About[Options]) -> str:
    counts = Counter(label(int(index), about) for index in truth["classes"])
    named = [f"{count} × {name}" for name, count in counts.most_common(TOP)]
    return f"with {', '.join(named)}" if named else "with nothing to find"
