"""Earn your bytes: artifacts that are no smaller and no faster than one that is no worse.

Each rule asks for what was shown. What was not shown keeps an artifact: bytes wasted are less
of a loss than a model that someone needed.

- **In one format**, since who loads one format cannot load another; the float32 artifact stays.
- **Proved wherever it is**: the other one passed on every target where this one passed, and is
  safe on half-precision GPUs if this one is.
- **No worse**: the task's metric of the other one is at least this one's. Lower is worse, within
  noise too: whoever replaces must not lose what was measured. Where the metric's confidence
  interval is wider than 5 points, or a twentieth of it, or nothing is labelled, it tells artifacts
  apart by chance, and
  the signal-to-noise ratio against the source decides.
- **No smaller**: after brotli, less than 1 % is no saving.
- **No faster**: they were timed on the same real hardware, and on no target is the ratio of their
  times, with all of its interval, below 1 by more than two sessions of one artifact differ by. A
  rasterizer's speed does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeGuard

from pipeline.measures import words
from pipeline.measures.latency import Interval, quotient
from pipeline.measures.metrics import metric_of
from pipeline.validate.regress import BYTES_MARGIN, LATENCY_MARGIN

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.proof import LowestAccuracy, Measured

#: The widest confidence interval of an accuracy by which artifacts are told apart: five points of a
#: share, a twentieth of anything else.
WIDEST = 0.05
#: Above this, an artifact is the source model but for float32's rounding.
EXACT_DB = 100.0

_ITSELF = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Dominance:
    """Why an artifact need not be shipped."""

    by: str
    reason: str


def find_dominated(artifacts: Sequence[Artifact], stay: Collection[str]) -> dict[str, Dominance]:
    """Artifacts that another one replaces, by id.

    Args:
        artifacts: as in a manifest, with verdicts and compressed sizes.
        stay: ids of the float32 artifacts, which are never replaced.
    """
    able = [
        artifact for artifact in artifacts if _passed_targets(artifact) and artifact["br_bytes"]
    ]
    better = {
        artifact["id"]: _better(artifact, able) for artifact in able if artifact["id"] not in stay
    }
    dominances = {}
    for artifact in able:
        others = better.get(artifact["id"], [])
        # Only one that stays itself can stand in for another; of several, the one most alike.
        if standing := [other for other in others if not better.get(other["id"])]:
            best = max(standing, key=partial(_snr_db, like=artifact))
            dominances[artifact["id"]] = Dominance(best["id"], _reason(artifact, best))
    return dominances


def _better(artifact: Artifact, able: Sequence[Artifact]) -> list[Artifact]:
    """Those that replace an artifact; of two that replace each other, the first one stays."""
    place = able.index(artifact)
    return [
        other
        for index, other in enumerate(able)
        if index != place
        and _replaces(other, artifact)
        and (index < place or not _replaces(artifact, other))
    ]


def _passed_targets(artifact: Artifact) -> bool:
    statuses = {result["status"] for result in artifact["validation"]}
    return "pass" in statuses and "fail" not in statuses


def _replaces(other: Artifact, artifact: Artifact) -> bool:
    """Whether ``other`` does all that ``artifact`` does, with no more bytes and time."""
    return (
        other["format"] == artifact["format"]
        and _targets(artifact) <= _targets(other)
        and (_half_safe(other) or not _half_safe(artifact))
        and _wire(artifact) * BYTES_MARGIN >= _wire(other)
        and _no_worse(other, artifact)
        and _no_faster(artifact, other)
    )


def _wire(artifact: Artifact) -> int:
    """After brotli: only what was compressed is compared."""
    return artifact["br_bytes"] or 0


def _targets(artifact: Artifact) -> set[str]:
    return {result["target"] for result in artifact["validation"] if result["status"] == "pass"}


def _half_safe(artifact: Artifact) -> bool:
    return bool(artifact.get("half_precision", {}).get("safe"))


def _no_worse(other: Artifact, artifact: Artifact) -> bool:
    other_accuracy, accuracy = other["accuracy"], artifact["accuracy"]
    if _tells(other_accuracy) and _tells(accuracy):
        return metric_of(accuracy["metric"]).excess(other_accuracy["value"], accuracy["value"]) <= 0
    return _snr_db(other, artifact) >= _snr_db(artifact, artifact)


def _tells(accuracy: LowestAccuracy | None) -> TypeGuard[LowestAccuracy]:
    if accuracy is None:
        return False
    scale = metric_of(accuracy["metric"]).scale(accuracy["value"])
    return accuracy["high"] - accuracy["low"] <= WIDEST * scale


def _snr_db(artifact: Artifact, like: Artifact) -> float:
    """The lowest on any target of ``like``, up to where it is all rounding."""
    shared = [result for result in _ran(artifact) if result["target"] in _targets(like)]
    return min(EXACT_DB, *(float(result["parity"]["snr_db"]) for result in shared))


def _ran(artifact: Artifact) -> list[Measured]:
    return [result for result in artifact["validation"] if result["status"] == "pass"]


def _no_faster(artifact: Artifact, other: Artifact) -> bool:
    """Whether they were timed on the same target, and ``artifact`` is nowhere clearly faster."""
    quotients = [quotient(*pair) for pair in _shared_ratios(artifact, other).values()]
    return bool(quotients) and all(high * LATENCY_MARGIN >= 1 for _, _, high in quotients)


def _shared_ratios(artifact: Artifact, other: Artifact) -> dict[str, tuple[Interval, Interval]]:
    """Both artifacts' ratios to float32, on each target of real hardware that has both."""
    theirs = {result["target"]: result for result in _ran(other)}
    ratios = {}
    for result in _ran(artifact):
        ratio = _ratio(artifact, result, theirs[result["target"]])
        other_ratio = _ratio(other, theirs[result["target"]], result)
        if result["hardware"]["kind"] != "software" and ratio and other_ratio:
            ratios[result["target"]] = ratio, other_ratio
    return ratios


def _ratio(artifact: Artifact, result: Measured, other: Measured) -> Interval | None:
    """An artifact's ratio to float32: 1 if it is what the other one was timed with."""
    ratio = result["latency"]["ratio"]
    theirs = other["latency"]["ratio"]
    if ratio:
        return ratio["value"], ratio["low"], ratio["high"]
    return _ITSELF if theirs and theirs["reference"] == artifact["id"] else None


def _reason(artifact: Artifact, other: Artifact) -> str:
    """In words, after "dominated by …: "."""
    sizes = f"{_wire(artifact):,} bytes after brotli against {_wire(other):,}"
    targets = len(_shared_ratios(artifact, other))
    speed = f"faster on none of {targets} targets" if targets > 1 else "no faster"
    accuracy, other_accuracy = artifact["accuracy"], other["accuracy"]
    if _tells(accuracy) and _tells(other_accuracy):
        shown = (
            words.value_of(each["metric"], each["value"]) for each in (accuracy, other_accuracy)
        )
        worth = f"{accuracy['metric']} {' against '.join(shown)}"
    else:
        own, theirs = (_snr_db(each, artifact) for each in (artifact, other))
        worth = f"signal to noise {own:.0f} dB against {theirs:.0f} dB"
    return f"{sizes}, {speed}, {worth}"
