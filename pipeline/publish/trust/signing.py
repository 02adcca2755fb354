"""Signatures of releases that are published already."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.publish.release.release import told
from pipeline.publish.trust.signature import SIGNATURE, Signer
from pipeline.publish.trust.signed import Read, Trusted, Verdict, check
from pipeline.storage import Storage
from pipeline.storage.layout import MANIFEST, PAGE


def folder_of(manifest: Mapping[str, Any]) -> str:
    """A release's folder, below the CDN folder's root."""
    return f"{manifest['name']}/releases/{manifest['release']}"


def is_signed(storage: Storage, manifest: Mapping[str, Any]) -> bool:
    """Whether a published release has a signature, whosever it is."""
    return _has_file(storage, manifest) and _unchecked(storage, manifest).ok


def _has_file(storage: Storage, manifest: Mapping[str, Any]) -> bool:
    path = f"{folder_of(manifest)}/{SIGNATURE}"
    return path in storage.sizes([path])


def _unchecked(storage: Storage, manifest: Mapping[str, Any]) -> Verdict:
    """Whether the file is a signature of a manifest at all."""
    return check(reader(storage, folder_of(manifest)), Trusted())


def ensure(storage: Storage, manifest: Mapping[str, Any], signer: Signer) -> None:
    """Sign a published release, unless its signature is this signer's already.

    Args:
        manifest: the release's own: what is published is what was built.

    Raises:
        PipelineError: another one signed it; or it could not be signed.
    """
    if _has_file(storage, manifest):
        _refuse_others(storage, manifest, signer)
        return
    folder = folder_of(manifest)
    read = reader(storage, folder)
    again = "make room or give write access, then publish again"
    with told(storage, again), tempfile.TemporaryDirectory(prefix="pipeline-sign-") as place:
        vouched = _vouched(manifest, read, Path(place))
        besides = [name for name in storage.names(folder) if name not in vouched]
        signer.sign(manifest, Path(place), besides)
        storage.add(f"{folder}/{SIGNATURE}", Path(place, SIGNATURE))


def reader(storage: Storage, folder: str) -> Read:
    """Reads files of a folder; FileNotFoundError for what is not there."""

    def read(name: str) -> bytes:
        return storage.fold(f"{folder}/{name}", b"".join)

    return read


def _vouched(manifest: Mapping[str, Any], read: Read, place: Path) -> set[str]:
    """Copy what is sure to be as it was written: others may have changed the rest since.

    The manifest was compared with the build's; the bill of materials and the page's follow from it.
    """
    from pipeline.publish.release import bom, page

    files = {MANIFEST: read(MANIFEST)}
    if json.loads(files[MANIFEST]) != manifest:
        raise PipelineError("another release has this name", where=folder_of(manifest))
    for name, expected in ((bom.BOM, bom.encoded(manifest)), (PAGE, page.encoded(manifest))):
        # A version of before may have written none, or another.
        with suppress(FileNotFoundError):
            if read(name) == expected:
                files[name] = expected
    for name, content in files.items():
        (place / name).write_bytes(content)
    return set(files)


def _refuse_others(storage: Storage, manifest: Mapping[str, Any], signer: Signer) -> None:
    """What is published never changes, so that a release has one signature."""
    folder = folder_of(manifest)
    verdict = _unchecked(storage, manifest)
    if signer.public_key and verdict.ok:
        with tempfile.NamedTemporaryFile(suffix=".pub") as file:
            file.write(signer.public_key)
            file.flush()
            verdict = check(reader(storage, folder), Trusted(Path(file.name)))
    if not verdict.ok:
        raise PipelineError(
            f"is there, and no signature {signer.said}: {verdict.said}",
            where=f"{storage.where}/{folder}/{SIGNATURE}",
            todo="sign with the key that it was made with; or remove the file and publish again",
        )
