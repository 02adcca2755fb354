"""Landmarks of the one thing that a crop shows: a face, a hand. The twin is ``landmarks.js``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pipeline.base.options import StrictOptions
from pipeline.tasks.contract import About
from pipeline.tasks.part import Part, Positive, Share, read_table
from pipeline.tasks.points import Found, Points, find_things
from pipeline.tasks.same_points import share_of_same
from pipeline.tensors.arrays import Arrays, Float64s


class LandmarkOptions(StrictOptions):
    """Which outputs hold landmarks, and what counts as an answer."""

    points: Points
    """Where the points stand."""
    score: Part
    """How sure it is that the thing is there."""
    threshold: Share = 0.5
    """The lowest score of an answer."""
    tolerance: Positive = 0.01
    """Points of two models are the same up to such a share of the picture's longer side."""


O = TypeVar("O", bound=LandmarkOptions)  # noqa: E741

Decode = Callable[[Arrays, About[O]], Found]


def find(
    outputs: Arrays, about: About[O], decode: Decode[O], threshold: float | None = None
) -> list[Found]:
    """Of each sample the thing that is there, or none, in pixels of the image.

    Args:
        decode: the outputs of one sample -> points as shares of the input.
        threshold: the lowest score, in place of that of the options.
    """
    options = about.options
    least = options.threshold if threshold is None else threshold
    return find_things(
        outputs, about.origins, lambda own, size: decode(own, about), least, options.points.rows
    )


def read_score(outputs: Arrays, about: About[O], name: str) -> Float64s:
    """[k], of one sample."""
    options = about.options
    return read_table(outputs, options.score, name, options.points.rows, 1)[:, 0]


def agree(outputs: Arrays, golden: Arrays, about: About[O], decode: Decode[O]) -> float:
    """The share of the golden's points in the same place, in the mean of all samples."""
    options = about.options
    return share_of_same(
        lambda model, least: find(model, about, decode, least),
        (outputs, golden),
        about.origins,
        options.threshold,
        options.tolerance,
    )
