"""Two releases' manifests -> what got worse.

A difference counts where it is more than what measuring the same release twice would show; the
rule of each kind is at its function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.backends.targets import target_of
from pipeline.manifest.parse import measured_or_none
from pipeline.measures import words
from pipeline.measures.latency import Interval, quotient
from pipeline.measures.metrics import metric_of
from pipeline.measures.proportion import difference

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.proof import Accuracy, Measured
    from pipeline.manifest.release import Manifest

Kind = Literal[
    "missing",
    "verdict",
    "accuracy",
    "bytes",
    "latency",
    "parity",
    "half_precision",
    "portability",
]

#: Slower by less, however sure, is not worth an alarm: memory that lies elsewhere does as much.
LATENCY_MARGIN = 1.05
#: Encoders and converters move names and padding about from version to version.
BYTES_MARGIN = 1.01
#: 1 dB. The order of sums moves errors from one run to the next.
PARITY_MARGIN = 10 ** (1 / 20)
#: Relative errors below this are float32's own rounding, which any change of order moves.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Regression:
    """One thing that is worse in the release after."""

    kind: Kind
    artifact: str
    target: str | None
    """``None``: of the artifact itself, wherever it runs."""
    metric: str
    before: float | str
    after: float | str | None
    """``None``: it is not there any more."""
    note: str
    """In words, without artifact and target."""

    def __str__(self) -> str:
        where = f"{self.artifact} on {self.target}" if self.target else self.artifact
        return f"{where}: {self.note}"


def compare(before: Manifest, after: Manifest) -> list[Regression]:
    """All that is worse in ``after``, in the order of ``before``'s artifacts and targets.

    Args:
        before: the manifest of a release, as published.
        after: of a later release of the same model.
    """
    now = {artifact["id"]: artifact for artifact in after["artifacts"]}
    # An artifact that another one replaces in everything is no loss.
    dropped = {artifact["id"] for artifact in after.get("dropped", [])}
    regressions: list[Regression] = []
    for artifact in before["artifacts"]:
        name = artifact["id"]
        if name in now:
            regressions += _artifact(artifact, now[name])
        elif name not in dropped:
            regressions.append(
                Regression("missing", name, None, "artifact", "published", None, "is missing")
            )
    return regressions


def not_compared(before: Manifest, after: Manifest) -> list[str]:
    """Why ``compare`` says nothing of speed or errors on some targets; each reason once."""
    now = {artifact["id"]: artifact for artifact in after["artifacts"]}
    targets_of: dict[tuple[str, str], dict[str, None]] = {}
    for artifact in before["artifacts"]:
        results = _ran(now[artifact["id"]]) if artifact["id"] in now else {}
        for target, result in _ran(artifact).items():
            for what in _differences(result, results[target]) if target in results else ():
                targets_of.setdefault(what, {})[target] = None
    return [
        f"{what} not compared on {', '.join(where)}: {why}"
        for (what, why), where in targets_of.items()
    ]


def _ran(artifact: Artifact) -> dict[str, Measured]:
    """By target what came to numbers."""
    return {
        target_of(result): ran
        for result in artifact["validation"]
        if (ran := measured_or_none(result))
    }


def _differences(before: Measured, after: Measured) -> Iterator[tuple[str, str]]:
    """What is not compared of two proofs, and why."""
    if why := incomparable(before, after):
        yield "speed", why
    was, now = before.get("samples"), after.get("samples")
    if was != now:
        yield "errors", f"it ran on {_samples(was)}, and now on {_samples(now)}"


def _samples(count: int | None) -> str:
    return "an unknown number of samples" if count is None else f"{count} samples"


def _artifact(before: Artifact, after: Artifact) -> Iterator[Regression]:
    yield from _bytes(before, after)
    yield from _half_precision(before, after)
    yield from _portability(before, after)
    now = {target_of(result): result for result in after["validation"]}
    for target, result in _ran(before).items():
        later = now.get(target)
        if later and (ran := measured_or_none(later)):
            for compared in (_verdict, _accuracy, _parity, _latency):
                yield from compared(before["id"], target, result, ran)
        else:
            reason = (later and later["reason"]) or "it is not tried any more"
            note = f"does not run any more: {reason}"
            yield Regression(
                "missing", before["id"], target, "target", result["status"], None, note
            )


def _bytes(before: Artifact, after: Artifact) -> Iterator[Regression]:
    """Bytes on the wire (as stored, where one release has no compressed size) grown by over 1 %."""
    old, new = before.get("br_bytes"), after.get("br_bytes")
    both = bool(old and new)
    was, now = (old, new) if old and new else (before["bytes"], after["bytes"])
    if now > was * BYTES_MARGIN:
        metric, what = ("br_bytes", "bytes after brotli") if both else ("bytes", "bytes")
        note = f"{what} grew by {now / was - 1:.1%}, from {was:,} to {now:,}"
        yield Regression("bytes", before["id"], None, metric, was, now, note)


def _half_precision(before: Artifact, after: Artifact) -> Iterator[Regression]:
    """It was safe on GPUs that compute in float16, and was found not to be."""
    was, now = (artifact.get("half_precision", {}).get("safe") for artifact in (before, after))
    if was is True and now is False:
        note = "is not safe any more on GPUs that compute in float16"
        yield Regression("half_precision", before["id"], None, "safe", "safe", "not safe", note)


def _portability(before: Artifact, after: Artifact) -> Iterator[Regression]:
    """It answered alike on every processor, and does not any more."""
    was, now = (artifact.get("portability", {}).get("portable") for artifact in (before, after))
    if was is True and now is False:
        note = f"some processors cut off sums of {after['portability']['node']}"
        yield Regression("portability", before["id"], None, "portable", "yes", "no", note)


def _verdict(name: str, target: str, before: Measured, after: Measured) -> Iterator[Regression]:
    """A proof that passed and fails."""
    if before["status"] == "pass" and after["status"] == "fail":
        missed = ", ".join(miss["metric"] for miss in after["missed"])
        note = f"passed, and fails now: {missed}"
        yield Regression("verdict", name, target, "status", "pass", "fail", note)


def _accuracy(name: str, target: str, before: Measured, after: Measured) -> Iterator[Regression]:
    """The task's metric fell: all of the interval of the difference is above 0.

    As gates judge it, but for pairs: a manifest does not say which samples a release gets right.
    """
    was, now = before["accuracy"], after["accuracy"]
    if not was or not now or was["metric"] != now["metric"]:
        return
    metric = metric_of(was["metric"])
    first, second = (was, now) if metric.is_floor else (now, was)
    if difference(_share(first), _share(second)) > 0:
        values = was["value"], now["value"]
        verb = "fell" if metric.is_floor else "rose"
        old, new = (words.value_of(metric.name, value) for value in values)
        note = f"{metric.name} {verb} from {old} to {new}"
        yield Regression("accuracy", name, target, was["metric"], *values, note)


def _share(accuracy: Accuracy) -> Interval:
    """A share and its interval; an old manifest has none."""
    value = accuracy["value"]
    return value, accuracy.get("low", value), accuracy.get("high", value)


def _parity(name: str, target: str, before: Measured, after: Measured) -> Iterator[Regression]:
    """More NaN or infinity; on as many samples, a relative error over 1 dB worse than it was.

    Not below float32's own rounding.
    """
    was, now = before["parity"], after["parity"]
    if now["nonfinite"] > was["nonfinite"]:
        values = was["nonfinite"], now["nonfinite"]
        note = f"{values[1]} outputs are NaN or infinite, {values[0]} were"
        yield Regression("parity", name, target, "nonfinite", *values, note)
    if before.get("samples") != after.get("samples"):
        return  # errors of other samples
    old, new = was["relative_error"], now["relative_error"]
    if new > max(old * PARITY_MARGIN, ROUNDING):
        note = f"relative error grew from {old:.2g} to {new:.2g}"
        yield Regression("parity", name, target, "relative_error", old, new, note)


def _latency(name: str, target: str, before: Measured, after: Measured) -> Iterator[Regression]:
    """Slower against float32: all of the interval of the change lies above 1.05.

    Where both ratios' intervals are within 3 % of their values, as ``time_until_narrow``
    makes them, a slow-down of 20 % shows, and one session that is a little slower than
    another does not. Nothing is said where the hardware is no measure or another one
    (``incomparable``), nor of the float32 artifact itself: it has nothing to be timed with, and
    how long it takes depends on what else the machine does.
    """
    was, now = before["latency"].get("ratio"), after["latency"].get("ratio")
    if not was or not now or incomparable(before, after):
        return
    both = ((ratio["value"], ratio["low"], ratio["high"]) for ratio in (now, was))
    value, low, high = quotient(*both)
    if low > LATENCY_MARGIN:
        spread = f"{low - 1:.0%} to {high - 1:.0%}"
        note = f"{value - 1:.0%} slower ({spread}) against {now['reference']}"
        values = was["value"], now["value"]
        yield Regression("latency", name, target, "latency_ratio", *values, note)


def incomparable(before: Measured, after: Measured) -> str | None:
    """Why two proofs' speeds cannot be compared; ``None`` where they can."""
    old, new = before["hardware"], after["hardware"]
    if "software" in (old["kind"], new["kind"]):
        return "a software rasterizer's speed says nothing of a GPU's"
    if (old["kind"], old["name"]) != (new["kind"], new["name"]):
        return f"it ran on {old['name']}, and now on {new['name']}"
    return None
