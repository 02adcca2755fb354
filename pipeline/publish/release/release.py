"""Publishes a release: immutable files, then its folder, then the channel, then the index.

In that order a reader sees the release before or the release after, and nothing between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipeline.base.errors import PipelineError
from pipeline.base.files import write_aside
from pipeline.cdn import tree
from pipeline.cdn.index import read_index
from pipeline.manifest.parse import ManifestError, models, release_id
from pipeline.publish.release import channel as channels
from pipeline.publish.release import hosting, index, site
from pipeline.publish.release import page as pages
from pipeline.publish.release.upload import (
    CopyProgress,
    Piece,
    SilentProgress,
    artifact_pieces,
    list_missing,
    stale,
    upload,
)
from pipeline.storage import Readable, Storage, open_storage
from pipeline.storage.layout import MANIFEST, MOST_FILE_BYTES, PAGE, REPORT, release_path

if TYPE_CHECKING:
    from pipeline.manifest.release import Manifest, ReleaseManifest

#: What publishing adds to a manifest: it decides neither the release's name nor its content.
ADDED = ("release", "created", "report")

#: Given a whole manifest, writes ``report.html`` and its like into a folder, in which
#: ``manifest.json``, ``page.json``, their twins and what earlier writers wrote lie already.
Writer = Callable[["ReleaseManifest", Path], None]


@dataclass(frozen=True)
class PublishedRelease:
    """A published set of artifacts."""

    id: str
    folder: str
    """The model's folder in the CDN folder: a path or a URL."""
    manifest: ReleaseManifest
    new: bool
    """Whether this call changed what a channel's readers see."""
    copied: int
    """Files that were not there before."""
    notes: tuple[str, ...] = ()
    """What the user should know of the place that it was published to."""
    signed: bool = False
    """Whether it carries a signature, whosever it is."""


def publish(
    manifest: Manifest,
    artifact: Callable[[str], Path],
    to: str | Path,
    channel: str,
    report: Writer | None = None,
    *,
    writers: Sequence[Writer] = (),
    compressed: Callable[[str], Path] | None = None,
    root: Sequence[Piece] = (),
    progress: CopyProgress | None = None,
) -> PublishedRelease:
    """Add a release and move the channel to it.

    Args:
        manifest: without ``release`` and ``created``.
        artifact: gives the ARTIFACT folder of an artifact id; asked only for what is missing.
        to: the CDN folder: a folder, or any URL that fsspec knows.
        report: writes a new release's report; asked only where the release is not there yet.
        writers: write what else lies in a new release's folder, one after the other.
        compressed: gives the folder with the ``.br`` and ``.gz`` of an artifact's files.
        root: other files: the runtimes and the client beside the models, and those of a detector.

    Raises:
        MovedError: another publisher moved the channel meanwhile; the release itself is published.
        PipelineError: the place cannot be written, or a file is larger than hosts take; readers
            see what they saw before.
    """
    storage = open_storage(to)
    name, release = manifest["name"], release_id(manifest)
    check_sizes(manifest)
    pieces = [*artifact_pieces(manifest, artifact, compressed), *root]
    with explain_errors(storage, NO_ROOM):
        before = channels.read(storage, name, channel)
        there = tree.Release(storage, name, release)
        pointing = before is not None and before.data == channels.pointer(there)
        if pointing and (published := _read_published(storage, there, manifest, channel, pieces)):
            return _release(storage, published, new=False, copied=0)
        with storage.publishing():
            storage.remove(stale(storage, pieces))
            lacking = list_missing(storage, pieces)
            upload(storage, lacking, progress or SilentProgress())
            full = _add_release(storage, there, manifest, report, writers)
            try:
                channels.move(storage, name, channel, release, before)
            finally:
                index.update(storage, name)
            site.update(storage, name)
            hosting.update(storage)
    return _release(storage, full, new=True, copied=len(lacking))


def check_sizes(manifest: Manifest) -> None:
    """Refuse files that some hosts would not take."""
    for artifact in (artifact for part in models(manifest) for artifact in part["artifacts"]):
        for file in artifact["files"]:
            if file["bytes"] > MOST_FILE_BYTES:
                part = "graph" if file["path"] == artifact["entry"] else "largest weight"
                raise PipelineError(
                    f"its {part} is a file of {file['bytes']:,} bytes, and hosts such as "
                    f"Cloudflare Pages take none over {MOST_FILE_BYTES:,}",
                    where=artifact["id"],
                    todo="quantize the variant, or leave the artifact out; nothing was published",
                )


def _release(
    storage: Storage, manifest: ReleaseManifest, *, new: bool, copied: int
) -> PublishedRelease:
    notes = [] if storage.swaps else [NO_SWAPS]
    folder = f"{storage.where.rstrip('/')}/{manifest['name']}"
    return PublishedRelease(manifest["release"], folder, manifest, new, copied, tuple(notes))


NO_ROOM = "make room or give write access, then build again; nothing was half published"
NO_SWAPS = (
    "this store cannot compare and swap: of two publishers at once, the later one wins unnoticed"
)


@contextmanager
def explain_errors(storage: Readable, todo: str) -> Iterator[None]:
    """What a folder's file system says, in our words."""
    try:
        yield
    except OSError as error:
        what = f"{error.strerror}: {error.filename}"
        raise PipelineError(what, where=storage.where, todo=todo) from error


def _read_published(
    storage: Storage,
    there: tree.Release,
    manifest: Manifest,
    channel: str,
    pieces: Sequence[Piece],
) -> ReleaseManifest | None:
    """The whole manifest, where all is as publishing would leave it: then nothing is locked."""
    listed = read_index(storage).get(there.model)
    if listed is None or listed["channels"].get(channel) != there.id:
        return None
    if not site.are_there(storage, there.model):
        return None
    if list_missing(storage, pieces) or stale(storage, pieces):
        return None
    return read_release(there, manifest)


def read_release(there: tree.Release, manifest: Manifest) -> ReleaseManifest | None:
    """The whole manifest of a release, which never changes; ``None`` if it is not there."""
    try:
        published = there.manifest()
    except ManifestError as error:
        todo = "remove this file, then publish again"
        raise PipelineError(f"is no manifest: {error}", where=there.where, todo=todo) from error
    if published and without_added(published) != manifest:
        raise PipelineError("another release has this name", where=there.where)
    return published


def without_added(manifest: ReleaseManifest) -> Mapping[str, object]:
    """What a release's name is the digest of."""
    return {key: value for key, value in manifest.items() if key not in ADDED}


def _add_release(
    storage: Storage,
    there: tree.Release,
    manifest: Manifest,
    report: Writer | None,
    writers: Sequence[Writer],
) -> ReleaseManifest:
    """Write the release's folder, unless it was written before."""
    if published := read_release(there, manifest):
        return published
    from pipeline.publish.delivery.compress import write_twins

    now = datetime.now(UTC).isoformat(timespec="seconds")
    with storage.claimed(f"{there.model}-{there.id}", now) as created:
        # Whoever finished it since we looked has let go of the claim.
        if published := read_release(there, manifest):
            return published
        full = _full(manifest, there.id, created, report is not None)
        with storage.new_folder(there.folder, last=MANIFEST) as aside:
            write_aside(aside / MANIFEST, json.dumps(full, indent=1).encode())
            write_aside(aside / PAGE, pages.encode(full))
            # Every visitor fetches one. Before the writers: a signature is of all that lies there.
            write_twins({name: aside / name for name in (MANIFEST, PAGE)}, aside)
            for writer in (*([report] if report else []), *writers):
                writer(full, aside)
    return full


def _full(manifest: Manifest, release: str, created: str, reported: bool) -> ReleaseManifest:
    head = {"schema": manifest["schema"], "name": manifest["name"], "task": manifest["task"]}
    named = {"report": release_path(release, REPORT)} if reported else {}
    full = {**head, "release": release, "created": created, **named, **manifest}
    return cast("ReleaseManifest", full)
