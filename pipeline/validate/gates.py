"""Gates: the bounds that an artifact must keep, on every target, to be published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.backends.targets import Target
from pipeline.config.bounds import merge_bounds
from pipeline.measures.bounds import Gates
from pipeline.measures.latency import FEWEST_PAIRS
from pipeline.measures.metrics import CHAIN, metric_of
from pipeline.measures.miss import Miss
from pipeline.validate.sampling import Undecided, explain_undecided
from pipeline.validate.tolerances import WORST_SAMPLE, tolerance


def bounds_for(
    artifact: str,
    target: Target,
    gates: Mapping[str, Gates],
    number_formats: Iterable[str],
    *,
    usual: Mapping[str, float] | None,
) -> dict[str, float]:
    """Metric -> bound of one artifact on one target; the last of ``_keys`` with a metric decides.

    Args:
        number_formats: the variant's; they decide where no gate bounds a difference.
        usual: bounds on the agreement of the task's answers, which says more of a single sample
            than numbers do; ``None`` where it tells no answers.
    """
    bounds = merge_bounds(artifact, target, gates)
    bounds.pop("portable", None)
    # It says nothing of the artifact alone, and is added where both run.
    bounds.pop(CHAIN, None)
    # A particular key may waive what a general one asks for.
    if bounds.pop("half_precision", False):
        bounds["half_precision"] = 1
    if any(metric_of(name).is_difference for name in bounds):
        return bounds
    formats = [*number_formats]
    differences = {"relative_error": tolerance(formats, target.backend), **(usual or {})}
    if usual is None and "trained" not in formats:
        differences["worst_sample_error"] = WORST_SAMPLE
    return differences | bounds


@dataclass(frozen=True)
class Facts:
    """What is known of an artifact besides what a proof measured."""

    artifact_bytes: int
    wire_bytes: int | None = None
    """After brotli; ``None`` where nothing was compressed."""
    half_safe: bool | None = None
    """Whether it is safe in float16; ``None`` where nobody measured it."""
    baseline: Mapping[str, Any] | None = None
    """The source model's accuracy, or ``None`` without labels."""


@dataclass(frozen=True)
class Judged:
    """What a measured result did not keep."""

    missed: list[Miss]
    undecided: list[Undecided]
    """Beyond the bound by no more than chance explains, which passes."""


def judge(
    artifact: str,
    result: Mapping[str, Any],
    bounds: Mapping[str, float],
    facts: Facts,
    *,
    strict: bool = False,
) -> Judged:
    """Hold a measured result to its bounds.

    Args:
        result: what ``measure`` wrote; its status is ``measured``.
        strict: shares of samples are judged as they were measured, without regard to chance.
    """
    values = _values(result, facts)
    exempt = {gate["metric"] for gate in not_applied(result, bounds, facts.wire_bytes)}
    judged = Judged([], [])
    for metric, bound in {"nonfinite": 0, **bounds}.items():
        value = values.get(metric)
        if metric in exempt or (value is not None and metric_of(metric).keeps(value, bound)):
            continue
        excused = (
            None if strict or value is None else explain_undecided(metric, value, bound, result)
        )
        if excused:
            judged.undecided.append(excused)
        else:
            judged.missed.append(Miss(artifact, result["target"], metric, value, bound))
    return judged


def _values(result: Mapping[str, Any], facts: Facts) -> dict[str, float | None]:
    """Metric -> what a bound on it is compared with."""
    values = dict(result["parity"])
    values |= {"bytes": facts.artifact_bytes, "wire_bytes": facts.wire_bytes}
    values["half_precision"] = None if facts.half_safe is None else int(facts.half_safe)
    if facts.baseline and result["accuracy"]:
        metric = metric_of(result["accuracy"]["metric"])
        lost = metric.excess(result["accuracy"]["value"], facts.baseline["value"])
        values["accuracy_drop"] = lost
    if ratio := result.get("latency", {}).get("ratio"):
        # The lower end: a bound is missed beyond doubt, or every tenth build would fail by chance.
        values["latency_ratio"] = ratio["low"]
    return values


def not_applied(
    result: Mapping[str, Any], bounds: Mapping[str, float], wire_bytes: int | None = None
) -> list[dict[str, str]]:
    """Bounds that say nothing of a measured result, which is no pass: metric and reason."""

    def no_size(result: Mapping[str, Any]) -> str | None:
        return "nothing was compressed" if wire_bytes is None else None

    why = {
        "latency_ratio": _no_speed,
        "accuracy_drop": _no_accuracy,
        "wire_bytes": no_size,
        "worst_sample_error": _no_sample,
        "other_shapes": _no_shapes,
    }
    return [
        {"metric": metric, "reason": reason}
        for metric, explain in why.items()
        if metric in bounds and (reason := explain(result))
    ]


def _no_speed(result: Mapping[str, Any]) -> str | None:
    if result["hardware"]["kind"] == "software":
        return "a software rasterizer's speed says nothing of a GPU's"
    if result["latency"]["ratio"] is None:
        if (pairs := result["latency"]["repeats"]) < FEWEST_PAIRS:
            return f"{pairs} timed inferences are too few; raise validate.repeats to {FEWEST_PAIRS}"
        return "there is no float32 artifact of its format to be timed with"
    return None


def _no_sample(result: Mapping[str, Any]) -> str | None:
    if result["parity"].get("worst_sample_error") is not None:
        return None
    return "outputs are whole numbers, or of shapes that depend on the sample"


def _no_shapes(result: Mapping[str, Any]) -> str | None:
    if result["parity"].get("other_shapes") is not None:
        return None
    return "no output's shape depends on the sample"


def _no_accuracy(result: Mapping[str, Any]) -> str | None:
    if not result.get("partial"):
        return None
    return f"a software rasterizer ran it on the first {result['samples']} samples only"
