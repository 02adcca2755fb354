"""What cascades are calibrated on: how sure each artifact was of the golden's samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.validate.cascade import Candidate, cascades, times
from pipeline.validate.confidence import Confidence

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.cascade import Cascade

#: Gives the folder of ``golden``, or of a proof by ``ARTIFACT TARGET``, where it is still there.
Opened = Callable[[str], Path | None]


def calibrated(made: Sequence[Artifact], opened: Opened) -> tuple[Cascade | None, str | None]:
    """A manifest's ``cascade``, or ``None`` and why there is none.

    Args:
        made: the artifacts of a manifest.
    """
    golden = opened("golden")
    if golden is None or Confidence.read(golden) is None:
        return None, "the model does not tell how sure it is of an answer"
    return cascades(list(candidates(made, opened)))


def candidates(made: Sequence[Artifact], opened: Opened) -> Iterator[Candidate]:
    """The artifacts that passed somewhere with all samples."""
    compressed = all(one["br_bytes"] is not None for one in made)
    for one in made:
        sure = next(_confidences(one, opened), None)
        if sure is not None:
            size = (compressed and one["br_bytes"]) or one["bytes"]
            yield Candidate(one["id"], one["format"], size, sure, times(one["validation"]))


def _confidences(artifact: Artifact, opened: Opened) -> Iterator[Confidence]:
    for result in artifact["validation"]:
        if result["status"] == "pass" and not result["partial"]:
            folder = opened(f"{artifact['id']} {result['target']}")
            if folder and (found := Confidence.read(folder)):
                yield found
