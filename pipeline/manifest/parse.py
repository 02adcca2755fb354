"""A manifest of a place that nobody vouches for: it has a manifest's form, or is refused.

Its files and what was measured are looked at by those who use them; older ones lack some keys.
Imports no types: a build with nothing to do reads manifests too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pipeline.base.digest import digest

if TYPE_CHECKING:
    from pipeline.manifest.proof import Measured, Validation
    from pipeline.manifest.release import Manifest, ReleaseManifest

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


#: Digits of a release's digest in its name: 64 bits, and a clash is refused, not overwritten.
ID_DIGITS = 16


def release_id(manifest: Mapping[str, Any]) -> str:
    """The name of the release of a manifest, which says neither that nor when it was published."""
    return digest("release", manifest)[:ID_DIGITS]


def models(manifest: Manifest) -> list[Manifest]:
    """The manifests of all models that a release holds: its own, and that of its detector."""
    region = manifest.get("region")
    return [manifest, *([cast("Manifest", region["detector"])] if region else [])]


def measured_or_none(proof: Validation) -> Measured | None:
    """A proof that ran; what fails need not have."""
    if proof["status"] == "unavailable" or proof.get("reason"):
        return None
    return proof
