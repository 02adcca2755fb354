"""Signatures of releases that are published already."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import PipelineError
from pipeline.cdn.tree import Release
from pipeline.manifest.parse import parse_manifest
from pipeline.publish.release.release import explain_errors
from pipeline.publish.trust.signature import SIGNATURE, Signer
from pipeline.publish.trust.signed import SignatureVerdict, Trusted, check
from pipeline.storage import Storage
from pipeline.storage.layout import MANIFEST, PAGE

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest


def is_signed(storage: Storage, manifest: ReleaseManifest) -> bool:
    """Whether a published release has a signature, whosever it is."""
    release = _release(storage, manifest)
    return _has_file(storage, release) and _check_any_key(release).ok


def _release(storage: Storage, manifest: ReleaseManifest) -> Release:
    return Release(storage, manifest["name"], manifest["release"])


def _has_file(storage: Storage, release: Release) -> bool:
    return bool(storage.sizes([release.path(SIGNATURE)]))


def _check_any_key(release: Release) -> SignatureVerdict:
    """Whether the file is a signature of a manifest at all."""
    return check(release.read, Trusted())


def ensure(storage: Storage, manifest: ReleaseManifest, signer: Signer) -> None:
    """Sign a published release, unless its signature is this signer's already.

    Args:
        manifest: the release's own: what is published is what was built.

    Raises:
        PipelineError: another one signed it; or it could not be signed.
    """
    release = _release(storage, manifest)
    if _has_file(storage, release):
        _refuse_others(release, signer)
        return
    again = "make room or give write access, then publish again"
    with (
        explain_errors(storage, again),
        tempfile.TemporaryDirectory(prefix="pipeline-sign-") as place,
    ):
        vouched = _copy_vouched(manifest, release, Path(place))
        besides = [name for name in storage.names(release.folder) if name not in vouched]
        signer.sign(manifest, Path(place), besides)
        storage.add(release.path(SIGNATURE), Path(place, SIGNATURE))


def _copy_vouched(manifest: ReleaseManifest, release: Release, place: Path) -> set[str]:
    """Copy what is sure to be as it was written: others may have changed the rest since.

    The manifest was compared with the build's; the bill of materials and the page's follow from it.
    """
    from pipeline.publish.release import bom, page

    files = {MANIFEST: release.read(MANIFEST)}
    if parse_manifest(files[MANIFEST]) != manifest:
        raise PipelineError("another release has this name", where=release.folder)
    for name, expected in ((bom.BOM, bom.encode(manifest)), (PAGE, page.encode(manifest))):
        # A version of before may have written none, or another.
        with suppress(FileNotFoundError):
            if release.read(name) == expected:
                files[name] = expected
    for name, content in files.items():
        (place / name).write_bytes(content)
    return set(files)


def _refuse_others(release: Release, signer: Signer) -> None:
    """What is published never changes, so that a release has one signature."""
    verdict = _check_any_key(release)
    if signer.public_key and verdict.ok:
        with tempfile.NamedTemporaryFile(suffix=".pub") as file:
            file.write(signer.public_key)
            file.flush()
            verdict = check(release.read, Trusted(Path(file.name)))
    if not verdict.ok:
        raise PipelineError(
            f"is there, and no signature {signer.said}: {verdict.said}",
            where=f"{release.storage.where}/{release.path(SIGNATURE)}",
            todo="sign with the key that it was made with; or remove the file and publish again",
        )
