"""The numbers behind each cell of the matrix, and what each target ran on, as label and text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pipeline.measures import words
from pipeline.measures.metrics import all_metrics
from pipeline.report import chance
from pipeline.report.artifact import Artifact
from pipeline.report.proof import Proof, Ratio, numbers
from pipeline.report.release import Release

if TYPE_CHECKING:
    from pipeline.manifest.artifact import HalfPrecision, Hazard, Portability
    from pipeline.manifest.proof import Accuracy, Chained
    from pipeline.manifest.weights import Weights

Fact = tuple[str, str]

_TIMES = {
    "load_ms": "load",
    "first_ms": "first inference",
    "median_ms": "median",
    "p90_ms": "90th percentile",
    "p95_ms": "95th percentile",
    "p99_ms": "99th percentile",
}

#: What is told of outputs in float16, beside whether answers agree.
_OF_HALF = ("relative_error", "nonfinite")

#: Weights that are told by their names, of those that stayed float32.
_NAMED = 4

_MEMORY = {"tensor_bytes": "tensors", "process_bytes": "process"}


def of_proof(proof: Proof) -> list[tuple[str, list[Fact]]]:
    """Titled lists of numbers; empty ones are left out."""
    of = proof.verdict.metric
    titled = {
        "Bounds not kept": list(_misses_of(proof)),
        "Not decided by so few samples": [
            (words.metric(share.metric, of), chance.share_in_words(share, of))
            for share in proof.verdict.undecided
        ],
        "Bounds": [
            (words.metric(name, of), words.bound(name, bound, of))
            for name, bound in proof.gates.items()
        ],
        "Bounds not applied": [
            (words.metric(gate["metric"], of), gate["reason"]) for gate in proof.not_applied
        ],
        "Against the source": [
            *_samples(proof),
            *_accuracy(proof.accuracy),
            *_parity(proof.parity),
        ],
        "Behind the detector": list(_chain(proof.chain)),
        "Time": [*_times(proof), *_ratio(proof.ratio)],
        "Memory": list(_memory(proof)),
    }
    return [(title, facts) for title, facts in titled.items() if facts]


def quality_of(artifact: Artifact, quality: str) -> tuple[str, str]:
    """How good an artifact is by ``Release.quality``, and how far from the source at most."""
    worst = artifact.worst_of("max_abs_error")
    return _value(quality, artifact.value_of(quality)), _value("max_abs_error", worst)


def _value(metric: str, value: float | None) -> str:
    return "" if value is None else words.value_of(metric, value)


def _misses_of(proof: Proof) -> Iterator[Fact]:
    of = proof.verdict.metric
    for miss in proof.verdict.missed:
        value = words.value_of(miss.metric, miss.value, of)
        yield words.metric(miss.metric, of), f"{value}, {words.bound(miss.metric, miss.bound, of)}"


def _samples(proof: Proof) -> Iterator[Fact]:
    if proof.samples is not None:
        yield (
            "samples",
            f"the first {proof.samples}" if proof.verdict.partial else str(proof.samples),
        )


def _accuracy(accuracy: Accuracy | None) -> Iterator[Fact]:
    if accuracy:
        yield words.metric(accuracy["metric"]), words.score(accuracy) + words.interval(accuracy)


def _parity(parity: Mapping[str, float]) -> Iterator[Fact]:
    for name, metric in all_metrics().items():
        if metric.is_difference and name in parity:
            yield metric.words, words.value_of(name, parity[name])


def _chain(chain: Chained | None) -> Iterator[Fact]:
    if chain:
        yield "detector", chain["detector"]
        yield "found in", words.count(chain["pictures"], "picture")
        yield "furthest point", f"{chain['furthest']:.2g} of the side of the square"
        for name, label in (("first_ms", "both"), ("next_ms", "where the detector rests")):
            if (value := chain.get(name)) is not None:
                yield label, words.milliseconds(cast("float", value))


def _times(proof: Proof) -> Iterator[Fact]:
    for name, label in _TIMES.items():
        if (value := proof.latency.get(name)) is not None:
            yield label, words.milliseconds(value)
    if repeats := proof.latency.get("repeats"):
        yield "timed", words.count(int(repeats), "inference")


def _ratio(ratio: Ratio | None) -> Iterator[Fact]:
    if ratio:
        interval = f"{ratio.low:.2f} to {ratio.high:.2f} at {ratio.confidence:.0%}"
        yield f"relative to {ratio.reference}", f"{words.ratio(ratio.value)} ({interval})"
        if ratio.reference_ms is not None:
            yield f"{ratio.reference} in the same session", words.milliseconds(ratio.reference_ms)


def _memory(proof: Proof) -> Iterator[Fact]:
    memory, latency = proof.memory, proof.latency
    if (count := memory.get("tensors")) is not None:
        yield "tensors", str(count)
    for name, label in _MEMORY.items():
        if (value := memory.get(name)) is not None:
            yield f"bytes of {label}", words.size(value)
    if (fetched := latency.get("fetched_bytes")) is not None:
        yield "fetched", words.size(fetched)


@dataclass(frozen=True)
class Place:
    """What some targets ran on."""

    targets: tuple[str, ...]
    ran: bool
    kind: str
    name: str
    """The hardware's name, or why nothing ran."""
    details: list[Fact]

    @property
    def summary(self) -> str:
        """The engine and its version where they are known, or how much more there is."""
        values = dict(self.details)
        version = values.get("engine version") or values.get("version")
        return f"version {version} and more" if version else "details"


def places(release: Release) -> list[Place]:
    """Every target once, as the first artifact that ran there found it; alike ones together."""
    first: dict[str, Proof] = {}
    for proof in release.proofs:
        earlier = first.get(proof.target)
        if earlier is None or (proof.ran and not earlier.ran):
            first[proof.target] = proof
    alike: dict[tuple[Any, ...], Place] = {}
    for place in map(_place, first.values()):
        key = (place.ran, place.kind, place.name, *place.details)
        before = alike.get(key)
        alike[key] = replace(place, targets=(*before.targets, *place.targets)) if before else place
    return list(alike.values())


def _place(proof: Proof) -> Place:
    if (hardware := proof.hardware) is None:
        return Place((proof.target,), False, "could not run", proof.reason, [])
    kind = words.KINDS.get(hardware["kind"], hardware["kind"])
    details = {
        key: value
        for key, value in hardware["details"].items()
        if key not in ("engine", "backend") and value != hardware["name"]
    }
    return Place((proof.target,), True, kind, hardware["name"], list(_details(details)))


def _details(details: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in details.items():
        if value is not None and not isinstance(value, Mapping) and value != "":
            shown = {True: "yes", False: "no"}.get(value, value) if _is_flag(value) else value
            yield name.replace("_", " "), _join_values(shown)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _join_values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


@dataclass(frozen=True)
class Half:
    """Whether an artifact may run on a GPU that computes in float16."""

    artifact: str
    safe: bool | None
    """``None``: nobody knows."""
    reason: str
    measured: list[Fact]
    """In float16 against itself in float32."""
    hazards: list[Fact]
    """Nodes whose values float16 cannot hold, and what becomes of them."""


def half_precision(artifacts: Iterable[Artifact]) -> list[Half]:
    """What is known of each artifact; empty where none was examined."""
    return [_half(artifact, half) for artifact in artifacts if (half := artifact.half_precision)]


def integers(artifacts: Iterable[Artifact]) -> list[Fact]:
    """Whether the artifacts with integer products answer alike on every processor, and why."""
    return [
        (artifact.id, _sums(portability))
        for artifact in artifacts
        if (portability := artifact.portability)
    ]


def _sums(portability: Portability) -> str:
    verdict = "alike on every processor" if portability["portable"] else "wrong on some processors"
    reach = f"two products add up to {portability['worst_sum']:,} at most, in {portability['node']}"
    return f"{verdict}: {reach}; some add them in 16 bits, up to 32,767"


#: Why a weight stayed float32.
_WHY = {
    "keep": "of the most damage",
    "fourier": "a Fourier transform's table",
    "range": "outside of its encoding's range",
}


def exact(artifacts: Iterable[Artifact]) -> list[Fact]:
    """What stayed float32 in artifacts that store weights in fewer bits, and what that costs."""
    return [
        (artifact.id, _stayed(weights)) for artifact in artifacts if (weights := artifact.exact)
    ]


def _stayed(weights: Weights) -> str:
    tensors = weights["exact"]
    named = [f"{_printable(tensor['name'])} ({_WHY[tensor['why']]})" for tensor in tensors[:_NAMED]]
    more = [f"{len(tensors) - _NAMED} more"] if len(tensors) > _NAMED else []
    cost = f"{words.size(weights['more_bytes'])} more before compression"
    return f"{words.joined([*named, *more])} stayed float32: {cost}{_held(weights)}"


def _printable(name: str) -> str:
    """A model's own name, which may hold what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in name)


def _held(weights: Weights) -> str:
    keep = weights.get("keep")
    if not keep:
        return ""
    measured = keep["measured"]
    return "; " + words.joined(
        f"{words.metric(name)} {words.value_of(name, measured.get(name))}, "
        f"{words.bound(name, bound)}"
        for name, bound in keep["bounds"].items()
    )


def _half(artifact: Artifact, half: HalfPrecision) -> Half:
    parity = numbers(half.get("parity") or {})
    measured = [
        (words.metric(name), words.value_of(name, parity[name]))
        for name, metric in all_metrics().items()
        if (name in _OF_HALF or metric.of == "answers") and name in parity
    ]
    hazards = [_hazard(node) for node in half.get("hazards") or []]
    return Half(artifact.id, artifact.half_safe, half.get("reason") or "", measured, hazards)


def _hazard(node: Hazard) -> Fact:
    overflow, flush = node.get("overflow_share") or 0, node.get("flush_share") or 0
    shares = [(overflow, "overflow"), (flush, "become zero")]
    lost = [f"{share:.2%} {becomes}" for share, becomes in shares if share]
    return f"{node['node']} ({node['op']})", ", ".join([f"up to {node['max_abs']:.3g}", *lost])
