"""What a build made: judged, then published.

Imports nothing that a build with nothing to do could spare.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import PipelineError
from pipeline.engine.store import Result, Store
from pipeline.validate.verdict import Verdict

if TYPE_CHECKING:
    from pipeline.manifest.release import Manifest


@dataclass(frozen=True)
class Built:
    """Everything that a plan makes, in the store; published or not."""

    manifest: Manifest
    """Without a release's name and date, which publishing gives."""
    artifacts: Mapping[str, Result]
    left_out: Mapping[str, str]
    """Artifact -> why it was not made."""
    store: Store
    to: str
    channel: str
    evidence: Mapping[str, Result]
    """What the manifest was made of: ``golden``, and the proofs by ``ARTIFACT TARGET``."""
    command: str = ""
    """The command that makes this anew."""

    @cached_property
    def verdict(self) -> Verdict:
        """What its proofs came to."""
        return Verdict.of(self.manifest)

    def open_artifact(self, name: str) -> Path:
        """The ARTIFACT folder of an artifact id, each file checked."""
        return self.store.open(self.artifacts[name])

    def open_evidence(self, name: str) -> Path:
        """The folder of one piece of the evidence, each file checked."""
        return self.store.open(self.evidence[name])

    def find_evidence(self, name: str) -> Path | None:
        """The folder of one piece of the evidence; ``None`` where it was cleaned away."""
        with suppress(KeyError, PipelineError):
            return self.open_evidence(name)
        return None
