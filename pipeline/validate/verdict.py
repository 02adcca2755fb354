"""What the proofs of a build came to: derived from its manifest here, and nowhere else.

Exit codes, the report and the terminal read it. Imports nothing heavy: a build with nothing to do
is judged too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

from pipeline.backends.targets import target_of
from pipeline.base.errors import PipelineError
from pipeline.manifest.parse import measured_or_none
from pipeline.measures.miss import Miss
from pipeline.validate.sampling import Undecided

if TYPE_CHECKING:
    from pipeline.manifest import artifact, proof, release

Status = Literal["pass", "fail", "unavailable"]


@dataclass(frozen=True)
class ProofVerdict:
    """What came of one artifact on one target."""

    artifact: str
    target: str
    status: Status
    required: bool
    """Whether the config names the target; what ``all`` adds may be missing."""
    partial: bool
    """Whether it ran on some of the samples only, which is no proof by itself."""
    reason: str
    """Why it did not run; empty where it did. What failed may not have run at all."""
    todo: str
    missed: tuple[Miss, ...]
    """Bounds that it did not keep."""
    undecided: tuple[Undecided, ...]
    """Beyond a bound by no more than chance explains, which passes."""
    metric: str = ""
    """What tells how right answers are; empty where nobody measured it."""

    @classmethod
    def of(cls, artifact: str, record: proof.Validation) -> ProofVerdict:
        """Of an entry of a manifest's ``validation``; older ones lack some keys."""
        ran = measured_or_none(record)
        return cls(
            artifact,
            target_of(record),
            record["status"],
            required=bool(record.get("required", True)),
            partial=bool(ran and ran.get("partial")),
            reason=record.get("reason") or "",
            todo=cast("proof.Broken", record).get("todo") or "",
            missed=tuple(Miss(**miss) for miss in (ran and ran.get("missed")) or []),
            undecided=tuple(Undecided(**share) for share in (ran and ran.get("undecided")) or []),
            metric=accuracy["metric"] if ran and (accuracy := ran.get("accuracy")) else "",
        )


@dataclass(frozen=True)
class ArtifactVerdict:
    """What came of one artifact on all targets."""

    id: str
    proofs: tuple[ProofVerdict, ...]

    @classmethod
    def of(cls, record: artifact.Artifact) -> ArtifactVerdict:
        """Of an entry of a manifest's ``artifacts``."""
        name = record["id"]
        return cls(name, tuple(ProofVerdict.of(name, proof) for proof in record["validation"]))

    @property
    def status(self) -> Status:
        """``fail`` if it failed anywhere, ``unavailable`` if it ran nowhere."""
        statuses = {proof.status for proof in self.proofs}
        order: tuple[Status, ...] = ("fail", "pass")
        return next((status for status in order if status in statuses), "unavailable")

    @property
    def is_proved(self) -> bool:
        """Whether any target gave an answer on all samples; without one it is not published."""
        return any(proof.status != "unavailable" and not proof.partial for proof in self.proofs)


@dataclass(frozen=True)
class NotMade:
    """An artifact that the config asks for, and that could not be made or proved."""

    id: str
    step: str
    """The step that failed, or would."""
    reason: str
    todo: str

    @classmethod
    def at(cls, artifact: str, step: str, error: PipelineError) -> NotMade:
        """The artifact that a step's error cost."""
        reason = f"{error.where}: {error.what}" if error.where else error.what
        return cls(artifact, step, reason, error.todo)


@dataclass(frozen=True)
class Verdict:
    """What came of a build, and so whether it may be published."""

    artifacts: tuple[ArtifactVerdict, ...]
    not_made: tuple[NotMade, ...]
    doubt: str
    """Why the source itself is not to be trusted; empty where nothing says so."""

    @classmethod
    def of(cls, manifest: release.Manifest) -> Verdict:
        """Of a manifest, published or not."""
        return cls(
            tuple(map(ArtifactVerdict.of, manifest["artifacts"])),
            tuple(NotMade(**lost) for lost in manifest.get("not_made") or []),
            manifest.get("doubt") or "",
        )

    @cached_property
    def proofs(self) -> tuple[ProofVerdict, ...]:
        return tuple(proof for artifact in self.artifacts for proof in artifact.proofs)

    @property
    def misses(self) -> list[Miss]:
        """Every bound that was not kept."""
        return [miss for proof in self.proofs for miss in proof.missed]

    @property
    def not_run(self) -> list[ProofVerdict]:
        """What failed without an answer to be judged."""
        return [proof for proof in self.proofs if proof.status == "fail" and proof.reason]

    @property
    def lacking(self) -> list[ProofVerdict]:
        """What the config requires, and could not run."""
        return [proof for proof in self.proofs if proof.status == "unavailable" and proof.required]

    @property
    def unproved(self) -> list[str]:
        """Artifacts that ran on no target with all samples."""
        return [artifact.id for artifact in self.artifacts if not artifact.is_proved]

    @property
    def is_complete(self) -> bool:
        """Whether each artifact was proved, and ran wherever the config requires it."""
        return not (self.lacking or self.unproved)

    @property
    def ok(self) -> bool:
        """Whether all was made and proved, and has kept its bounds."""
        failed = any(artifact.status == "fail" for artifact in self.artifacts)
        return self.is_complete and not (failed or self.not_made or self.doubt)


def by_cause(lost: Iterable[NotMade]) -> Iterator[str]:
    """What a person reads of artifacts that cannot be made, each cause once."""
    causes: dict[tuple[str, str], list[str]] = {}
    for artifact in lost:
        causes.setdefault((artifact.reason, artifact.todo), []).append(artifact.id)
    for (reason, todo), artifacts in causes.items():
        yield f"{', '.join(artifacts)}: {reason}" + (f"\n    {todo}" if todo else "")
