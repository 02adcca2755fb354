"""What cascades are calibrated on: how sure each artifact was of the golden's samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.artifacts.evidence import Evidence
from pipeline.artifacts.samples_folder import Golden
from pipeline.validate.cascade import CascadeCandidate, cascades, times
from pipeline.validate.confidence import Confidence

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.cascade import Cascade


def calibrate(
    artifacts: Sequence[Artifact], golden: Golden, evidence: Evidence
) -> tuple[Cascade | None, str | None]:
    """A manifest's ``cascade``, or ``None`` and why there is none.

    Args:
        artifacts: the artifacts of a manifest.
    """
    if Confidence.read(golden.folder) is None:
        return None, "the model does not tell how sure it is of an answer"
    return cascades(list(candidates(artifacts, evidence)))


def candidates(artifacts: Sequence[Artifact], evidence: Evidence) -> Iterator[CascadeCandidate]:
    """The artifacts that passed somewhere with all samples."""
    compressed = all(artifact["br_bytes"] is not None for artifact in artifacts)
    for artifact in artifacts:
        sure = next(_confidences(artifact, evidence), None)
        if sure is not None:
            size = (compressed and artifact["br_bytes"]) or artifact["bytes"]
            yield CascadeCandidate(
                artifact["id"], artifact["format"], size, sure, times(artifact["validation"])
            )


def _confidences(artifact: Artifact, evidence: Evidence) -> Iterator[Confidence]:
    for result in artifact["validation"]:
        if result["status"] == "pass" and not result["partial"]:
            proof = evidence.find_proof(artifact["id"], result["target"])
            if proof and (confidence := Confidence.read(proof.folder)):
                yield confidence
