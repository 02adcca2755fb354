"""A manifest as the report reads it: what may be absent in an older one has a default here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from pipeline.report.artifact import NOISE, Artifact, Group
from pipeline.report.proof import Proof
from pipeline.validate.verdict import ProofVerdict, Verdict

if TYPE_CHECKING:
    from pipeline.manifest import proof, release


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
