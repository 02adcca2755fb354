"""One artifact in the comparison with the peers' tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One artifact."""

    model: str
    maker: str
    """A peer's command, or our artifact's id."""
    wire_bytes: int
    quality: float
    """Accuracy, 0 to 1, or a signal-to-noise ratio in dB."""
    unit: str = "%"
    reference: bool = False
    """Whether it is float32, which the others are held against."""
    ours: bool = False
    speeds: tuple[tuple[str, float], ...] = ()
    """Target -> how many times as fast as float32 in the same format."""


def float32(rows: Sequence[Row]) -> Row:
    """What the rows of one model are held against."""
    return next(row for row in rows if row.reference)
