"""What cascades are calibrated on: how sure each artifact was of the golden's samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.validate.cascade import CascadeCandidate, cascades, times
from pipeline.validate.confidence import Confidence

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.cascade import Cascade

#: Gives the folder of ``golden``, or of a proof by ``ARTIFACT TARGET``, where it is still there.
Opened = Callable[[str], Path | None]


def calibrate(artifacts: Sequence[Artifact], opened: Opened) -> tuple[Cascade | None, str | None]:
    """A manifest's ``cascade``, or ``None`` and why there is none.

    Args:
        artifacts: the artifacts of a manifest.
    """
    golden = opened("golden")
    if golden is None or Confidence.read(golden) is None:
        return None, "the model does not tell how sure it is of an answer"
    return cascades(list(candidates(artifacts, opened)))


def candidates(artifacts: Sequence[Artifact], opened: Opened) -> Iterator[CascadeCandidate]:
    """The artifacts that passed somewhere with all samples."""
    compressed = all(artifact["br_bytes"] is not None for artifact in artifacts)
    for artifact in artifacts:
        sure = next(_confidences(artifact, opened), None)
        if sure is not None:
            size = (compressed and artifact["br_bytes"]) or artifact["bytes"]
            yield CascadeCandidate(
                artifact["id"], artifact["format"], size, sure, times(artifact["validation"])
            )


def _confidences(artifact: Artifact, opened: Opened) -> Iterator[Confidence]:
    for result in artifact["validation"]:
        if result["status"] == "pass" and not result["partial"]:
            folder = opened(f"{artifact['id']} {result['target']}")
            if folder and (confidence := Confidence.read(folder)):
                yield confidence
