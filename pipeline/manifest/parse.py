"""A manifest of a place that nobody vouches for: it has a manifest's form, or is refused.

Its files and what was measured are looked at by those who use them; older ones lack some keys.
Imports no types: a build with nothing to do reads manifests too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pipeline.manifest.proof import Measured, Validation
    from pipeline.manifest.release import ReleaseManifest

#: No manifest is larger.
MOST_BYTES = 2**24


class ManifestError(ValueError):
    """It is no manifest, or does not describe its files as it has to."""


def parse_manifest(content: bytes) -> ReleaseManifest:
    """The manifest that a file holds.

    Raises:
        ManifestError: it holds none.
    """
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"it is no JSON: {error}") from error
    if not _is_manifest(manifest):
        raise ManifestError("it describes no artifacts of a model")
    return cast("ReleaseManifest", manifest)


def _is_manifest(manifest: Any) -> bool:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("name"), str):
        return False
    artifacts = manifest.get("artifacts")
    return isinstance(artifacts, list) and bool(artifacts) and all(map(_is_artifact, artifacts))


def _is_artifact(artifact: Any) -> bool:
    return isinstance(artifact, dict) and bool(artifact.get("id"))


def measured_or_none(proof: Validation) -> Measured | None:
    """A proof that ran; what fails need not have."""
    if proof["status"] == "unavailable" or proof.get("reason"):
        return None
    return proof
