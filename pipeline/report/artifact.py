"""An artifact as the report reads it, and artifacts that stand in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.measures import words
from pipeline.report.proof import Proof
from pipeline.validate.verdict import ArtifactVerdict, Status

if TYPE_CHECKING:
    from pipeline.manifest import artifact, proof, weights

#: What artifacts are compared by where nobody knows what is right.
NOISE = "snr_db"


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
        portability = self.record.get("portability")
        return portability if portability and portability["products"] else None

    @property
    def exact(self) -> weights.Weights | None:
        """The weights that stayed float32; ``None`` where none did."""
        weights = self.record.get("weights")
        return weights if weights and weights["exact"] else None

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
            proof for artifact in self.artifacts if (proof := artifact.proof(target)) and proof.ran
        ]
        ratios = [ratio for proof in proofs if (ratio := proof.ratio)]
        beside = [ratio.reference_ms for ratio in ratios if ratio.reference == reference]
        medians = [median for median in beside if median is not None]
        reference_medians = [
            p.median_ms for p in proofs if p.artifact == reference and p.median_ms is not None
        ]
        return min([*medians, *reference_medians]) if medians else None
