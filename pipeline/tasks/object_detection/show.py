"""A sample's objects in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pipeline.tasks.contract import About, Line, Shown
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
    wanted, found = (
        find({name: values[None] for name, values in outputs.items()}, about)[0]
        for outputs in (source, artifact)
    )
    partners = dict(pair_boxes(wanted, found, SAME))
    alone = [row for row in range(len(found.scores)) if row not in partners.values()]
    pairs: list[tuple[int | None, int | None]] = [
        (row, partners.get(row)) for row in range(len(wanted.scores))
    ]
    pairs += [(None, row) for row in alone]
    lines = [_line((wanted, found), pair, truth, about) for pair in pairs[:TOP]]
    changed = any(None in pair for pair in pairs)
    return Shown(lines, "" if truth is None else _in_words(truth, about), changed)


def _line(
    both: tuple[Found, Found],
    pair: tuple[int | None, int | None],
    truth: Mapping[str, Array] | None,
    about: About[Options],
) -> Line:
    one, row = next((of, at) for of, at in zip(both, pair, strict=True) if at is not None)
    left, top, right, bottom = one.boxes[row]
    # Shares of the input are small, and pixels are not.
    digits = 0 if about.origins else 2
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
