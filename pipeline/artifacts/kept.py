"""A KEPT folder: the weights of one artifact that are to stay float32, by what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pipeline.weights.exact import Exact


@dataclass(frozen=True)
class Kept:
    """What a search found."""

    damages: Mapping[str, float | None]
    """Weight -> the outputs' relative error where it alone is encoded, the worst first; ``None``
    where it cannot be measured alone."""
    bounds: Mapping[str, float]
    """Metric -> bound."""
    measured: Mapping[str, float]
    """Metric -> its value where all others are encoded."""
    samples: int
    """How many it was measured on."""


@dataclass(frozen=True)
class KeptFolder:
    """Where it lies."""

    folder: Path

    FILE: ClassVar = "kept.json"

    def read(self) -> Kept:
        return Kept(**json.loads((self.folder / self.FILE).read_text()))

    def write(self, kept: Kept) -> None:
        (self.folder / self.FILE).write_text(json.dumps(asdict(kept), indent=1))


def describe_weights(codec: str, exact: Sequence[Exact], kept: Kept | None) -> dict[str, Any]:
    """What ``artifact.json`` says of weights that a codec stores, and of those that stayed."""
    description: dict[str, Any] = {
        "codec": codec,
        "more_bytes": sum(weight.more_bytes for weight in exact),
        "exact": [weight.described() for weight in exact],
    }
    if kept:
        description["keep"] = {
            "bounds": kept.bounds,
            "measured": kept.measured,
            "samples": kept.samples,
            "damages": kept.damages,
        }
    return description
