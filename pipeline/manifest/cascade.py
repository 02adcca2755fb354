"""Two artifacts that work together."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.kinds import Positive, Share, Some, closed


@closed()
class Expected(TypedDict):
    """Measured on the test samples that calibration never saw."""

    metric: str
    """Of the task; without truth, the agreement with the source model."""
    accuracy: Share
    low: Share
    high: Share
    samples: Some
    escalated: Share
    """The share of samples on which the large one is asked."""
    small_accuracy: Share
    """Of the small one alone, on the same samples."""
    large_accuracy: Share
    """Of the large one alone, on the same samples."""
    bytes_ratio: Positive
    """Bytes to fetch until a sample has to be escalated, over those of the large one alone;
    compressed where that is known."""
    latency_ratio: Positive | None
    """Mean time of a sample over that of the large one alone."""
    latency_target: str | None
    """Where these times were measured."""


@closed()
class Cascade(TypedDict):
    """A small artifact answers, and a large one is asked where that is unsure."""

    small: str
    """The artifact that is asked first."""
    large: str
    """The one that is asked where the small one is unsure."""
    threshold: Share
    """The large one is asked where the small one's highest probability is below this."""
    calibrated_on: Some
    """Test samples that the threshold was chosen on; none of them is among the expected's."""
    expected: Expected
    others: NotRequired[list[Cascade]]
    """The same of other formats, for clients that are bound to one."""
