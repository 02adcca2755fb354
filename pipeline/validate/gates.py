"""Gates: the bounds that an artifact must keep, on every backend, to be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config import Gates
from pipeline.validate.miss import Miss, kept

#: Holds where a config bounds no difference from the golden: enough to catch a conversion that
#: went wrong, too wide to judge a quantization. A model that gives its mean answer to every
#: sample has a relative error of 1.
UNBOUNDED = {"relative_error": 0.5}

#: What is not a difference from the golden's outputs.
OTHER = frozenset({"bytes", "accuracy_drop"})


def bounds_for(artifact: str, gates: Mapping[str, Gates]) -> dict[str, float]:
    """Metric -> bound; the more particular name wins, metric by metric."""
    format_, variant = artifact.split("/", 1)
    bounds: dict[str, float] = {}
    for name in ("default", format_, variant, artifact):
        if name in gates:
            bounds |= gates[name].model_dump(exclude_none=True)
    return bounds if bounds.keys() - OTHER else UNBOUNDED | bounds


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
        if value is None or not kept(metric, value, bound):
            yield Miss(artifact, result["target"], metric, value, bound)
