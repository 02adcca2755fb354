"""A sample's points in a report: the source's beside the artifact's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.tasks.contract import About, Drawn, Line, Shown, Stroke
from pipeline.tasks.points import Found
from pipeline.tasks.same_points import SURE, pair_things, share_of_same
from pipeline.tensors.arrays import Arrays, NDArray, np

#: From this score on a point is drawn.
SEEN = 0.2

#: What stands where one of both found nothing.
NONE = "–"


@dataclass(frozen=True)
class Body:
    """What points are of."""

    thing: str
    """What it is called, as ``hand``."""
    connections: Callable[[int], Sequence[Sequence[int]]]
    """Of so many points the pairs that a line joins."""
    names: Sequence[str] = ()
    """Of the points, where they have names: these are drawn as dots too."""


def show_points(
    source: Arrays,
    artifact: Arrays,
    about: About[Any],
    body: Body,
    find: Callable[[Arrays, About[Any], float | None], Sequence[Found]],
) -> Shown:
    """A line for each thing of either, with its score, and one for the point that is furthest off.

    Args:
        source, artifact: one sample's outputs.
        find: outputs, what is told, and the lowest score in place of that of the options -> the
            things of each sample.
    """
    both = [
        {name: values[None] for name, values in outputs.items()} for outputs in (source, artifact)
    ]
    wanted, found = (find(outputs, about, None)[0] for outputs in both)
    apart = np.linalg.norm(wanted.points[:, None, :, :2] - found.points[None, :, :, :2], axis=-1)
    partners = dict(pair_things(np.median(apart, axis=-1)))
    lines = []
    for row, score in enumerate(wanted.scores):
        partner = partners.get(row)
        lines.append(_score(body.thing, score, None if partner is None else found.scores[partner]))
        if partner is not None:
            lines.append(_furthest((wanted, found), (row, partner), body, about))
    alone = sorted(set(range(len(found.scores))) - set(partners.values()))
    lines += [_score(body.thing, None, found.scores[row]) for row in alone]
    options = about.options
    same = share_of_same(
        lambda outputs, least: find(outputs, about, least),
        (both[1], both[0]),
        about.origins,
        options.threshold,
        options.tolerance,
    )
    # Without origins, lengths are shares of the input, as in the picture.
    shares = [find(outputs, replace(about, origins=None), None)[0] for outputs in both]
    return Shown(
        lines,
        changed=same < 1,
        drawn=Drawn(*(_strokes(things, body) for things in shares)),
        heading="Answer",
    )


def _score(thing: str, source: float | None, artifact: float | None) -> Line:
    before, after = (NONE if score is None else f"{score:.1%}" for score in (source, artifact))
    left, right = (min(max(float(score or 0), 0.0), 1.0) for score in (source, artifact))
    return Line(thing, before, after, left, right)


def _furthest(
    both: tuple[Found, Found], rows: tuple[int, int], body: Body, about: About[Any]
) -> Line:
    """Of the points that the source is sure of, if there are such."""
    places = [of.points[row, :, :2] for of, row in zip(both, rows, strict=True)]
    apart = np.linalg.norm(places[0] - places[1], axis=-1)
    sure = None if both[0].sure is None else both[0].sure[rows[0]] >= SURE
    point = int(np.where(sure, apart, -1).argmax() if sure is not None else apart.argmax())
    name = body.names[point].replace("_", " ") if body.names else f"point {point}"
    digits = 0 if about.origins else 2
    # No zero has a sign.
    before, after = (
        ", ".join(f"{value:.{digits}f}" for value in place[point].round(digits) + 0.0)
        for place in places
    )
    return Line(f"furthest off: {name}", before, after)


def _strokes(found: Found, body: Body) -> list[Stroke]:
    """A line for each connection of points that are seen, and a dot for each that has a name."""
    strokes: list[Stroke] = []
    for row, points in enumerate(found.points[..., :2].tolist()):
        seen = _seen(found, row)
        strokes += [
            [points[a], points[b]] for a, b in body.connections(len(points)) if seen[a] and seen[b]
        ]
        strokes += [[point] for point, is_seen in zip(points, seen, strict=True)
                    if is_seen and body.names]  # fmt: skip
    return strokes


def _seen(found: Found, row: int) -> NDArray[np.bool_]:
    if found.sure is None:
        return np.ones(found.points.shape[1], bool)
    seen: NDArray[np.bool_] = found.sure[row] >= SEEN
    return seen
