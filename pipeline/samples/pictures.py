"""Samples that are images, before anything was done to them. Not a kind of samples itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.tensors.arrays import Int64s, NDArray, np


@dataclass(frozen=True)
class Pictures:
    """Labelled images of the test split."""

    images: Sequence[NDArray[np.uint8]]
    """[height, width] or [height, width, channels], of any sizes."""
    labels: Int64s
    """[n]."""
    names: Sequence[str] = ()
    """Of the labels, where the samples name them."""


def spread(count: int, most: int) -> list[int]:
    """At most so many of the first ``count`` numbers, evenly, so that every class is among them."""
    return [index * count // min(count, most) for index in range(min(count, most))]
