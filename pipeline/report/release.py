"""A manifest as the report reads it: what may be absent in an older one has a default here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from pipeline.backends.targets import BROWSERS
from pipeline.manifest.parse import measured_or_none
from pipeline.measures import words
from pipeline.validate.verdict import ArtifactVerdict, ProofVerdict, Status, Verdict

if TYPE_CHECKING:
    from pipeline.manifest import artifact, proof, release, weights

#: What artifacts are compared by where nobody knows what is right.
NOISE = "snr_db"

#: Two sessions of one artifact differ by so much in time (Mytkowicz et al. 2009), which the
#: interval of one session cannot know.
SAME_SPEED = 0.02


@dataclass(frozen=True)
class Ratio:
    """Time relative to the float32 artifact of the same format, measured in turn with it."""

    value: float
    low: float
    high: float
    confidence: float
    """0 to 1: how sure it is that the ratio lies between ``low`` and ``high``."""
    reference: str
    reference_ms: float | None = None
    """The reference's median in the same session."""

    @property
    def certain(self) -> bool:
        """Whether it is more than chance, or where in memory an artifact happens to lie."""
        return self.low > 1 + SAME_SPEED or self.high < 1 - SAME_SPEED


def numbers(record: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a record: older ones have others."""
    return {key: value for key, value in record.items() if isinstance(value, int | float)}


@dataclass(frozen=True)
class Proof:
    """One artifact on one target."""

    artifact: str
    record: proof.Validation

    @cached_property
    def verdict(self) -> ProofVerdict:
        return ProofVerdict.of(self.artifact, self.record)

    @cached_property
    def _measured(self) -> proof.Measured | None:
        return measured_or_none(self.record)

    @property
    def target(self) -> str:
        return self.verdict.target

    @property
    def backend(self) -> str:
        return self.record["backend"]

    @property
    def engine(self) -> str | None:
        """The browser engine; ``None`` for what runs in none."""
        named = self.record.get("engine")
        return named if named in BROWSERS else None

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def ran(self) -> bool:
        """Whether anything was measured: what fails may not have run at all."""
        return self._measured is not None

    @property
    def samples(self) -> int | None:
        """On how many samples it ran; ``None``: nobody wrote it down, on all of them."""
        return self._measured.get("samples") if self._measured else None

    @property
    def reason(self) -> str:
        return self.verdict.reason

    @property
    def single_samples(self) -> str:
        """Why samples ran one by one; empty where batches of them did."""
        return (self._measured and self._measured.get("single_samples")) or ""

    @property
    def hardware(self) -> proof.Hardware | None:
        return self._measured["hardware"] if self._measured else None

    @property
    def software(self) -> bool:
        """Whether a CPU answered for a GPU: its times say nothing of a GPU."""
        return self.hardware is not None and self.hardware["kind"] == "software"

    @cached_property
    def parity(self) -> dict[str, float]:
        """Metric -> its value, the worst over all outputs."""
        return numbers(self._measured["parity"]) if self._measured else {}

    @property
    def accuracy(self) -> proof.Accuracy | None:
        return self._measured["accuracy"] if self._measured else None

    @cached_property
    def latency(self) -> dict[str, float]:
        """Times in milliseconds, how many, and the bytes that were fetched."""
        return numbers(self._measured["latency"]) if self._measured else {}

    @property
    def memory(self) -> dict[str, float]:
        return numbers(self._measured["latency"].get("memory", {})) if self._measured else {}

    @property
    def median_ms(self) -> float | None:
        return self.latency.get("median_ms")

    @property
    def ratio(self) -> Ratio | None:
        ratio = self._measured["latency"].get("ratio") if self._measured else None
        if not ratio:
            return None
        confidence = ratio.get("confidence", 0.95)
        bounds = (ratio["value"], ratio["low"], ratio["high"])
        reference = ratio.get("reference", "fp32")
        return Ratio(*bounds, confidence, reference, ratio.get("reference_ms"))

    @property
    def gates(self) -> Mapping[str, float]:
        """Metric -> the bound that held here."""
        return (self._measured and self._measured.get("gates")) or {}

    @property
    def not_applied(self) -> list[proof.NotApplied]:
        """Gates that say nothing here."""
        return (self._measured and self._measured.get("not_applied")) or []

    @property
    def worst(self) -> list[proof.WorstSample]:
        return (self._measured and self._measured.get("worst")) or []

    @cached_property
    def snr_db(self) -> float | None:
        """Signal to noise in dB, of the relative error where it was not written down."""
        if self._measured and "snr_db" in self._measured["parity"]:
            return self.parity.get("snr_db")
        error = self.parity.get("relative_error")
        return -20 * math.log10(error) if error else None


@dataclass(frozen=True)
class Artifact:
    """One variant in one format, with its proofs."""

    record: artifact.Artifact

    @cached_property
    def verdict(self) -> ArtifactVerdict:
        return ArtifactVerdict.of(self.record)

    @property
    def id(self) -> str:
        return self.record["id"]

    @property
    def format(self) -> str:
        return self.record["format"]

    @property
    def variant(self) -> str:
        return self.record["variant"]

    @property
    def wire_bytes(self) -> int:
        """What a user downloads: compressed, where that was measured."""
        return self.record.get("br_bytes") or self.record["bytes"]

    @property
    def dominated_by(self) -> str | None:
        """The artifact that is no larger, no slower and no worse, if there is one."""
        record: object = self.record.get("dominated_by")
        named = record.get("artifact") if isinstance(record, Mapping) else record
        return str(named) if named else None

    @property
    def dominated_reason(self) -> str:
        return self.record.get("dominated_reason") or ""

    @property
    def half_precision(self) -> artifact.HalfPrecision | None:
        return self.record.get("half_precision")

    @property
    def half_safe(self) -> bool | None:
        """Whether it is safe on a GPU that computes in float16; ``None``: not examined."""
        return self.half_precision.get("safe") if self.half_precision else None

    @property
    def retrained(self) -> bool:
        """Whether it is another network than the source, whose numbers need not be the source's."""
        return bool(self.record.get("retrained"))

    @property
    def portability(self) -> artifact.Portability | None:
        """What its integer products add up to; ``None``: it has none, or nobody looked."""
        known = self.record.get("portability")
        return known if known and known["products"] else None

    @property
    def exact(self) -> weights.Weights | None:
        """The weights that stayed float32; ``None`` where none did."""
        known = self.record.get("weights")
        return known if known and known["exact"] else None

    @property
    def portable(self) -> bool:
        """Whether it answers alike on every processor."""
        return self.portability is None or self.portability["portable"]

    @property
    def accuracy(self) -> proof.LowestAccuracy | None:
        return self.record.get("accuracy")

    @cached_property
    def proofs(self) -> list[Proof]:
        return [Proof(self.id, record) for record in self.record["validation"]]

    @property
    def ran(self) -> list[Proof]:
        return [proof for proof in self.proofs if proof.ran]

    @property
    def status(self) -> Status:
        return self.verdict.status

    def proof(self, target: str) -> Proof | None:
        return next((proof for proof in self.proofs if proof.target == target), None)

    def value_of(self, quality: str) -> float | None:
        """How good it is by ``Release.quality``."""
        if self.accuracy and self.accuracy["metric"] == quality:
            return self.accuracy["value"]
        return self.snr_db if quality == NOISE else None

    def worst_of(self, metric: str) -> float | None:
        """The largest value of a parity metric over all targets."""
        errors = [p.parity[metric] for p in self.ran if metric in p.parity]
        return max(errors, default=None)

    @property
    def snr_db(self) -> float | None:
        """The lowest over all targets."""
        return min((p.snr_db for p in self.ran if p.snr_db is not None), default=None)


@dataclass(frozen=True)
class Group:
    """Artifacts that run on the same backends, and so stand in one table."""

    artifacts: tuple[Artifact, ...]

    @property
    def title(self) -> str:
        return ", ".join(
            dict.fromkeys(words.runtime(artifact.format) for artifact in self.artifacts)
        )

    @cached_property
    def targets(self) -> list[str]:
        """By backend, in the order of the manifest, its engines side by side."""
        seen = dict.fromkeys(p.target for a in self.artifacts for p in a.proofs)
        backends = list(dict.fromkeys(target.partition("@")[0] for target in seen))
        return sorted(seen, key=lambda target: backends.index(target.partition("@")[0]))

    def milliseconds(self, proof: Proof) -> float | None:
        """What an inference takes, on a scale that is one for all artifacts of a target.

        Medians of two sessions do not compare: the machine may have been busy in one of them.
        What was timed in turn with a reference is given as the ratio of the two, times the
        reference's quietest median on this target.
        """
        if (ratio := proof.ratio) is None:
            quiet = self._quietest(proof.target, proof.artifact)
            return proof.median_ms if quiet is None else quiet
        quiet = self._quietest(proof.target, ratio.reference)
        return proof.median_ms if quiet is None else quiet * ratio.value

    def _quietest(self, target: str, reference: str) -> float | None:
        """The lowest of all medians of a reference on a target; ``None`` where it was none."""
        proofs = [
            known for artifact in self.artifacts if (known := artifact.proof(target)) and known.ran
        ]
        ratios = [ratio for proof in proofs if (ratio := proof.ratio)]
        beside = [ratio.reference_ms for ratio in ratios if ratio.reference == reference]
        medians = [median for median in beside if median is not None]
        own = [p.median_ms for p in proofs if p.artifact == reference and p.median_ms is not None]
        return min([*medians, *own]) if medians else None


@dataclass(frozen=True)
class Release:
    """What a manifest says; ``release`` and ``created`` only once it is published."""

    record: release.Manifest

    @property
    def name(self) -> str:
        return self.record["name"]

    @property
    def id(self) -> str | None:
        return cast("release.ReleaseManifest", self.record).get("release")

    @property
    def accuracy(self) -> proof.SourceAccuracy | None:
        """The source model's; ``None`` where nothing is labelled."""
        return self.record.get("accuracy")

    @property
    def quality(self) -> str:
        """The metric that tells how good artifacts are: the task's, or without truth how near
        outputs are to the source's."""
        return self.accuracy["metric"] if self.accuracy else NOISE

    @cached_property
    def verdict(self) -> Verdict:
        return Verdict.of(self.record)

    @cached_property
    def artifacts(self) -> list[Artifact]:
        return [Artifact(record) for record in self.record["artifacts"]]

    def artifact(self, name: str) -> Artifact | None:
        return next((artifact for artifact in self.artifacts if artifact.id == name), None)

    @property
    def proofs(self) -> Iterator[Proof]:
        return (proof for artifact in self.artifacts for proof in artifact.proofs)

    @property
    def dropped(self) -> list[tuple[str, str]]:
        """Artifacts that were made and left out of the release, each with the reason."""
        return [
            (record["id"], f"dominated by {record['dominated_by']}: {record['dominated_reason']}")
            for record in self.record.get("dropped") or []
        ]

    @property
    def compressed(self) -> bool:
        """Whether sizes are those that go over the wire."""
        return all(artifact.record.get("br_bytes") for artifact in self.artifacts)

    @cached_property
    def groups(self) -> list[Group]:
        """Artifacts with a backend in common stand together."""
        groups: list[tuple[set[str], list[Artifact]]] = []
        for artifact in self.artifacts:
            backends = {proof.backend for proof in artifact.proofs}
            fitting = next((group for group in groups if group[0] & backends), None)
            if fitting:
                fitting[0].update(backends)
                fitting[1].append(artifact)
            else:
                groups.append((backends, [artifact]))
        return [Group(tuple(members)) for _, members in groups]


@dataclass(frozen=True)
class Missing:
    """Targets that could not run, for one reason."""

    targets: tuple[str, ...]
    reason: str
    required: bool
    proofs: int


def list_missing(proofs: Iterable[ProofVerdict]) -> list[Missing]:
    """What could not run, each reason once."""
    grouped: dict[tuple[str, bool], list[str]] = {}
    for proof in proofs:
        if proof.status == "unavailable":
            grouped.setdefault((proof.reason, proof.required), []).append(proof.target)
    return [
        Missing(tuple(dict.fromkeys(targets)), reason, required, len(targets))
        for (reason, required), targets in grouped.items()
    ]
