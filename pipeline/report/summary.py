"""What a release's numbers mean to a person who decides what to ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from pipeline.measures import words
from pipeline.measures.metrics import metric_of
from pipeline.report import chance
from pipeline.report.artifact import Artifact, Group
from pipeline.report.proof import SAME_SPEED, Proof
from pipeline.report.release import Missing, Release, list_missing
from pipeline.validate.trust import remedy
from pipeline.validate.verdict import ArtifactVerdict, ProofVerdict, Verdict

_UNSURE = "Not every bound is decided by so few samples."


@dataclass(frozen=True)
class Pick:
    """An artifact to ship, and why."""

    kind: str
    """``smallest``, ``fastest`` or ``safest``."""
    group: str
    """The formats that it was chosen among."""
    artifact: str
    figure: str
    """The number that it was chosen by."""
    reason: str


@dataclass(frozen=True)
class Summary:
    """What passed, what failed, what could not run, and what to ship."""

    ok: bool
    headline: str
    artifacts: dict[str, int]
    """Status -> how many artifacts have it."""
    proofs: dict[str, int]
    """Status -> how many proofs have it."""
    failures: list[str]
    undecided: list[str]
    """Beyond a bound by less than the samples can tell, which passes."""
    missing: list[Missing]
    picks: list[Pick]


def summarize(release: Release) -> Summary:
    """A release's verdict in words, and what to ship of it."""
    verdict = release.verdict
    undecided = chance.list_undecided(verdict.proofs)
    unsure = f" {_UNSURE}" if verdict.ok and undecided else ""
    return Summary(
        ok=verdict.ok,
        headline=_headline(verdict) + unsure,
        artifacts=_counts(verdict.artifacts),
        proofs=_counts(verdict.proofs),
        failures=_failures(verdict),
        undecided=undecided,
        missing=list_missing(verdict.proofs),
        picks=[pick for group in release.groups for pick in picks(group)],
    )


def _counts(judged: Iterable[ArtifactVerdict | ProofVerdict]) -> dict[str, int]:
    counts = Counter[str](proof.status for proof in judged)
    return {status: counts[status] for status in words.MARKS}


def _failures(verdict: Verdict) -> list[str]:
    """What kept it from being shipped, each once."""
    source = [f"The source: {remedy(verdict.doubt)}"] if verdict.doubt else []
    lost = [f"{artifact.id} could not be made: {artifact.reason}" for artifact in verdict.not_made]
    missed = [miss_in_words(proof) for proof in verdict.proofs if proof.status == "fail"]
    return list(dict.fromkeys([*source, *lost, *missed]))


def _headline(verdict: Verdict) -> str:
    total, failed = len(verdict.artifacts), _counts(verdict.artifacts)["fail"]
    if verdict.doubt:
        return f"Do not ship: {verdict.doubt}."
    if failed:
        return f"Do not ship: {failed} of {words.count(total, 'artifact')} failed."
    if lost := len(verdict.not_made):
        asked = words.count(total + lost, "artifact")
        return f"Not complete: {lost} of {asked} could not be made."
    if verdict.lacking:
        return "Not proved: targets that the config requires could not run."
    if unproved := verdict.unproved:
        return f"Not proved: {words.joined(unproved)} ran on no backend with all samples."
    ran = _counts(verdict.proofs)["pass"]
    noun = "The artifact" if total == 1 else f"All {total} artifacts"
    return (
        f"Ready to ship. {noun} passed {'the proof' if ran == 1 else f'all {ran} proofs'} that ran."
    )


def miss_in_words(proof: ProofVerdict) -> str:
    """``onnx/int8 on ort-wasm in Firefox: max error 1.9, at most 0.5``."""
    if proof.reason:
        return f"{proof.artifact} on {words.target(proof.target)}: {proof.reason}; {proof.todo}"
    of = proof.metric
    missed = [
        f"{words.metric(miss.metric, of)} {words.value_of(miss.metric, miss.value, of)}, "
        f"{words.bound(miss.metric, miss.bound, of)}"
        for miss in proof.missed
    ]
    # What two products add up to is the same wherever it runs.
    everywhere = all(metric_of(miss.metric).is_everywhere for miss in proof.missed)
    where = "" if everywhere else f" on {words.target(proof.target)}"
    return f"{proof.artifact}{where}: {'; '.join(missed)}"


def picks(group: Group) -> list[Pick]:
    """The smallest, the fastest and the safest artifact of those that passed."""
    passed = [artifact for artifact in group.artifacts if artifact.status == "pass"]
    able = [artifact for artifact in passed if not artifact.dominated_by] or passed
    if not able:
        return []
    chosen: Iterable[Callable[[Group, list[Artifact]], Pick | None]] = (
        _smallest,
        _fastest,
        _safest,
    )
    return [pick for choose in chosen if (pick := choose(group, able)) is not None]


def _smallest(group: Group, able: list[Artifact]) -> Pick:
    best = min(able, key=lambda artifact: (artifact.wire_bytes, _wrong(artifact)))
    largest = max(group.artifacts, key=lambda artifact: artifact.wire_bytes)
    share = best.wire_bytes / largest.wire_bytes
    than = "" if best is largest else f"{share:.0%} of {largest.id}'s size. "
    return Pick(
        "smallest",
        group.title,
        best.id,
        words.size(best.wire_bytes),
        than + _accuracy_in_words(best),
    )


def _wrong(artifact: Artifact) -> float:
    """Less of it is better."""
    accuracy = artifact.accuracy
    return metric_of(accuracy["metric"]).excess(accuracy["value"], 0.0) if accuracy else inf


def _accuracy_in_words(artifact: Artifact) -> str:
    if accuracy := artifact.accuracy:
        name, samples = accuracy["metric"], words.count(accuracy["samples"], "sample")
        before = words.value_of(name, accuracy["baseline"]) if "baseline" in accuracy else ""
        was = f", the source {before}" if before else ""
        return f"{words.metric(name).capitalize()} {words.score(accuracy)} on {samples}{was}."
    if artifact.snr_db is not None:
        return f"Signal to noise {artifact.snr_db:.0f} dB against the source."
    return ""


def _fastest(group: Group, able: list[Artifact]) -> Pick | None:
    timed = [
        (ms, artifact, proof)
        for artifact in able
        for proof in artifact.ran
        if (ms := group.milliseconds(proof)) is not None and not proof.software
    ]
    # A browser's time counts where there is one: that is where artifacts are shipped to.
    pool = [timing for timing in timed if timing[2].engine] or timed
    if not pool:
        return None
    quickest, _, where = min(pool, key=lambda timing: timing[0])
    # Of those that are as fast as can be told, the smallest.
    equal = [
        timing
        for timing in pool
        if timing[2].target == where.target and timing[0] <= quickest * (1 + SAME_SPEED)
    ]
    median, artifact, proof = min(equal, key=lambda timing: timing[1].wire_bytes)
    figure = words.milliseconds(median)
    return Pick("fastest", group.title, artifact.id, figure, _speed_in_words(proof))


def _speed_in_words(proof: Proof) -> str:
    where = f"Median on {words.target(proof.target)}"
    if (ratio := proof.ratio) is None:
        return f"{where}."
    interval = (
        f"{ratio.value:.2f} of {ratio.reference}'s time ({ratio.low:.2f} to {ratio.high:.2f})"
    )
    unsure = "" if ratio.certain else ": no measurable difference"
    return f"{where}, {interval}{unsure}."


def _safest(group: Group, able: list[Artifact]) -> Pick:
    def safety(artifact: Artifact) -> tuple[int, bool, float]:
        passed = sum(proof.status == "pass" for proof in artifact.proofs)
        return passed, artifact.half_safe is not False, artifact.snr_db or 0.0

    best = max(able, key=safety)
    passed = safety(best)[0]
    error = best.worst_of("max_abs_error")
    furthest = f", at most {words.number(error)} from the source" if error is not None else ""
    half = {True: " Safe on half-precision GPUs.", False: " Not safe on half-precision GPUs."}
    certain = "" if best.half_safe is None else half[best.half_safe]
    reason = f"Passed on {words.count(passed, 'target')}{furthest}."
    figure = f"{best.snr_db:.0f} dB" if best.snr_db is not None else words.count(passed, "target")
    return Pick("safest", group.title, best.id, figure, reason + certain)
