"""Gates: the bounds that an artifact must keep, on every backend, to be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config import Gates
from pipeline.validate.miss import FLOORS, Miss

#: Holds where a config bounds nothing: enough to catch a conversion that went wrong, too
#: wide to judge a quantization. Every output vector must point within 26 degrees of its golden.
UNBOUNDED = Gates(cosine=0.9)


def bounds_for(artifact: str, gates: Mapping[str, Gates]) -> dict[str, float]:
    """Metric -> bound; the more particular name wins, metric by metric."""
    format_, variant = artifact.split("/", 1)
    bounds: dict[str, float] = {}
    for name in ("default", format_, variant, artifact):
        if name in gates:
            bounds |= gates[name].model_dump(exclude_none=True)
    return bounds or UNBOUNDED.model_dump(exclude_none=True)


def misses(
    artifact: str,
    result: Mapping[str, Any],
    bounds: Mapping[str, float],
    *,
    artifact_bytes: int,
    baseline: Mapping[str, Any] | None,
) -> Iterator[Miss]:
    """Bounds that a measured result does not keep.

    Args:
        result: what ``measure`` wrote; its status is ``measured``.
        baseline: the source model's accuracy, or ``None`` without labels.
    """
    values = dict(result["parity"])
    values["bytes"] = artifact_bytes
    if baseline and result["accuracy"]:
        values["accuracy_drop"] = baseline["value"] - result["accuracy"]["value"]
    bounds = {"nonfinite": 0, **bounds}
    for metric, bound in bounds.items():
        value = values.get(metric)
        if value is None or not _kept(metric, value, bound):
            yield Miss(artifact, result["backend"], metric, value, bound)


def _kept(metric: str, value: float, bound: float) -> bool:
    # A difference of two shares carries float64's rounding; 1e-9 is far below one sample.
    return value >= bound - 1e-9 if metric in FLOORS else value <= bound + 1e-9
