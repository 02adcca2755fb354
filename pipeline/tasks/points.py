"""Points of bodies, faces and hands: a row of numbers a thing, point after point. The twin is
``points.js``.

As MediaPipe's ``tensors_to_landmarks_calculator.cc`` takes them: x, y and z in pixels of the input,
z scaled as x. All arithmetic is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.inputs.image.fit import share_to_image
from pipeline.tasks.part import Part, Positive, activate, read_table, wrong
from pipeline.tensors.arrays import Array, Arrays, Float64s, Int64s, np
from pipeline.tensors.per_sample import PerSample


class Points(Part):
    """Where the points of each thing stand, and what is said of each."""

    order: Literal["xy", "xyz", "yxs", "xyzvp"] = "xyz"
    """What is said of each point, in its order: ``x``, ``y`` and ``z``; ``s`` or ``v``, how sure it
    is, or that it can be seen; ``p``, that it is in the picture. ``activation`` is of the last
    three."""

    scale: Positive | tuple[Positive, Positive] = 1.0
    """What x and y are divided by to be shares of the input: one number, or one for each. Often the
    input's size."""

    rows: Annotated[int, Field(ge=1, le=1000)] = 1
    """Things that the output has room for."""


@dataclass(frozen=True)
class Found:
    """k things of n points each."""

    scores: Float64s
    """[k]"""
    points: Float64s
    """[k, n, 2 or 3]: x and y, and z where it is told."""
    sure: Float64s | None = None
    """[k, n]: how sure each point is, where that is told."""
    presence: Float64s | None = None
    """[k, n]: how sure each is in the picture, where that is told."""
    world: Float64s | None = None
    """[k, n, 3], in metres, where that is told."""
    auxiliary: Float64s | None = None
    """[k, m, 2 or 3]: points that only say where the thing is, where such are told."""

    def rows(self, chosen: Int64s) -> Found:
        """The things of these indices, in this order."""
        others = (
            None if values is None else values[chosen]
            for values in (self.sure, self.presence, self.world, self.auxiliary)
        )
        return Found(self.scores[chosen], self.points[chosen], *others)

    def first(self, count: int) -> Found:
        """With so many points; those behind them are auxiliary ones."""
        sure, presence = (
            None if values is None else values[:, :count] for values in (self.sure, self.presence)
        )
        points, others = self.points[:, :count], self.points[:, count:]
        return Found(self.scores, points, sure, presence, self.world, others)

    def in_image(self, origin: Mapping[str, Array] | None) -> Found:
        """Shares of the input as pixels of the image."""
        others = None if self.auxiliary is None else to_image(self.auxiliary, origin)
        return replace(self, points=to_image(self.points, origin), auxiliary=others)

    def best(self, threshold: float, most: int) -> Found:
        """Those of a score of ``threshold`` or more, the surest first, ``most`` of them."""
        order = np.argsort(-self.scores, kind="stable")
        return self.rows(order[self.scores[order] >= threshold][:most])


def read_points(outputs: Arrays, how: Points, count: int, name: str) -> Found:
    """Of one sample, as shares of the input; scores are not known yet, and 1.

    Args:
        count: how many points are wanted; a model may tell more, which are left out.
        name: where a config says it, for an error.

    Raises:
        ConfigError: the output is missing, or has not so many numbers.
    """
    table = read_table(outputs, how.model_copy(update={"activation": "none"}), name, how.rows)
    width = len(how.order)
    if table.shape[1] % width or table.shape[1] < count * width:
        raise wrong(f"{table.shape[1]} numbers are no {count} points of {how.order}", name)
    values = table.reshape(how.rows, -1, width)[:, :count]
    across, down = np.broadcast_to(np.array(how.scale, np.float64), (2,))
    by_letter = {"x": across, "y": down, "z": across}
    axes = [letter for letter in "xyz" if letter in how.order]
    points = np.stack(
        [values[..., how.order.index(letter)] / by_letter[letter] for letter in axes], -1
    )
    sure, presence = (
        activate(values[..., how.order.index(letter)], how) if letter in how.order else None
        for letter in ("s" if "s" in how.order else "v", "p")
    )
    return Found(np.ones(how.rows), points, sure, presence)


def to_image(points: Float64s, origin: Mapping[str, Array] | None) -> Float64s:
    """Shares of the input -> pixels of the image, where it is known how that lay in the input."""
    if origin is None:
        return points
    depth = points[..., 2:] * origin["input"][1] / origin["scale"][1]
    return np.concatenate([share_to_image(points[..., :2], origin), depth], axis=-1)


#: The outputs of one sample, and the input's height and width where they are known, [2] -> all that
#: they tell, as shares of the input.
Decode = Callable[[Arrays, Array | None], Found]


def find_things(
    outputs: Arrays, origins: PerSample | None, decode: Decode, threshold: float, most: int
) -> list[Found]:
    """Of each sample the things of a score of ``threshold`` or more, ``most`` of them, the surest
    first, in pixels of the image.
    """
    found = []
    for sample in range(len(next(iter(outputs.values())))):
        origin = origin_of(origins, sample)
        own = {name: values[sample] for name, values in outputs.items()}
        things = decode(own, None if origin is None else origin["input"])
        found.append(things.in_image(origin).best(threshold, most))
    return found


def origin_of(origins: PerSample | None, sample: int) -> Mapping[str, Array] | None:
    return None if origins is None else origins.sample(sample)


def in_space(table: Float64s, names: Sequence[str]) -> list[dict[str, Any]]:
    """[{"x", "y", "z", "name"}] of [points, 3], in metres."""
    return [
        {"x": x, "y": y, "z": z, "name": name}
        for (x, y, z), name in zip(table.tolist(), names, strict=True)
    ]


def keypoints_of(found: Found, row: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """[{"x", "y", "z", "score", "presence", "name"}], each where it is told."""
    columns: list[tuple[str, Sequence[Any]]] = [
        (axis, found.points[row, :, at].tolist())
        for at, axis in enumerate("xyz"[: found.points.shape[-1]])
    ]
    for key, values in (("score", found.sure), ("presence", found.presence)):
        if values is not None:
            columns.append((key, values[row].tolist()))
    if names:
        columns.append(("name", names))
    keys = [key for key, _ in columns]
    return [dict(zip(keys, row, strict=True)) for row in zip(*(v for _, v in columns), strict=True)]
