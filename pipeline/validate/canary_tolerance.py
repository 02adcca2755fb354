"""What an artifact answers to the canary, and how far off a device that works may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.validate.canary import distance

if TYPE_CHECKING:
    from pipeline.manifest.canary import CanaryAnswer, CanaryOutput

#: Shares of an answer's span. Other devices' float32 differs from these by more than they do from
#: each other, and a broken model by far more than this.
FLOOR, MARGIN = 5e-3, 4.0

#: Of how many significant digits values are: a tenth of the floor at most goes to rounding.
DIGITS = 5

_TRUST = ("cpu", "gpu", "software")

Values = Mapping[str, Sequence[float]]


def canary_of(
    golden_canary: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    half: Mapping[str, Sequence[float | None]] | None,
) -> tuple[CanaryAnswer | None, str | None]:
    """An artifact's canary in a manifest, or ``None`` and why.

    Args:
        golden_canary: ``canary.json`` of the golden.
        results: the proofs on all targets, judged; ``canary`` holds what they answered.
        half: what it answered in float16 textures, where it is safe there.
    """
    if "reason" in golden_canary:
        return None, None
    passing = sorted(_passing(results), key=lambda result: _TRUST.index(result["hardware"]["kind"]))
    if not passing:
        return None, "it passed on no backend with finite answers"
    trusted: Values = passing[0]["canary"]
    others = [result["canary"] for result in passing] + ([half] if _finite(half) else [])
    tolerance = max(FLOOR, MARGIN * max(distance(other, trusted) for other in others))
    if tolerance > golden_canary["telling"] / 2:
        return None, (
            f"devices that work differ by so much that a broken one might pass: {tolerance:.2g} "
            "of the answer's span is allowed, and a broken one may be off by "
            f"{golden_canary['telling']:.2g}"
        )
    outputs: dict[str, CanaryOutput] = {
        name: {"indices": golden_canary["outputs"][name], "values": [_short(v) for v in values]}
        for name, values in trusted.items()
    }
    return {"outputs": outputs, "tolerance": _short(tolerance)}, None


def _passing(results: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (r for r in results if r["status"] == "pass" and _finite(r.get("canary")))


def _finite(values: Mapping[str, Sequence[float | None]] | None) -> bool:
    return bool(values) and all(v is not None for vs in (values or {}).values() for v in vs)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
