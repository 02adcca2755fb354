"""Whether releases are signed, and by whom it has to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.publish.trust.signature import SIGNATURE
from pipeline.publish.trust.signed import SignatureVerdict, Trusted, check
from pipeline.publish.upkeep.verify.fault import Fault, Published
from pipeline.storage import Storage
from pipeline.storage.layout import MANIFEST, PAGE, REPORT, is_twin


@dataclass(frozen=True)
class Signatures:
    """A check of releases, which remembers what it found of each."""

    trusted: Trusted
    verdicts: dict[str, SignatureVerdict] = field(default_factory=dict)
    """By ``MODEL/RELEASE``."""

    def __call__(self, published: Published) -> Iterator[Fault]:
        """The signature is there, if it has to be, and holds."""

        def read(name: str) -> bytes:
            # The bytes that all other checks are of: a place may answer otherwise the next time.
            return published.raw if name == MANIFEST else published.read(name)

        verdict = check(read, self.trusted)
        self.verdicts[f"{published.model}/{published.id}"] = verdict
        if not verdict.ok:
            yield Fault(published.path(SIGNATURE), verdict.said)

    def reports(self, releases: Sequence[Published]) -> list[str]:
        """Reports and the like that no signature holds for: nothing else tells their bytes."""
        return [
            release.path(name)
            for release in releases
            for name in self._others(release)
            if name not in self.verdicts[f"{release.model}/{release.id}"].covered
        ]

    def _others(self, published: Published) -> list[str]:
        """A release's files, but for what is checked by the manifest, and twins."""
        if isinstance(published.storage, Storage):
            names = published.storage.names(published.folder)
            unsigned = (MANIFEST, PAGE, SIGNATURE)
            return [name for name in names if name not in unsigned and not is_twin(name)]
        return [REPORT] if published.said.get("report") is not None else []

    def said(self) -> dict[str, list[str]]:
        """What is said -> of which releases; faults are told elsewhere."""
        by_text: dict[str, list[str]] = {}
        for release, verdict in self.verdicts.items():
            if verdict.ok:
                by_text.setdefault(verdict.said, []).append(release)
        return by_text
