"""Channels: small files that point to a release, and are moved by compare-and-swap."""

from __future__ import annotations

import hashlib
import json

from pipeline.base.errors import PipelineError
from pipeline.cdn.tree import POINTER_BYTES, Release, pointed
from pipeline.storage.base import Content, Storage
from pipeline.storage.layout import MANIFEST, PAGE, pointer_path, release_path

#: Of a swap that the place refused though nothing had changed: S3 does so while another one writes.
ATTEMPTS = 5


class MovedError(PipelineError):
    """Another publisher moved the channel first."""


def read(storage: Storage, name: str, channel: str) -> Content | None:
    """The channel as it is: what a later ``move`` expects."""
    path = pointer_path(name, channel)
    try:
        return storage.read(path, POINTER_BYTES)
    except ValueError as error:
        raise PipelineError(
            f"is no pointer to a release: it is {error}",
            where=f"{storage.where}/{path}",
            todo="remove this file, then try again: it is written anew",
        ) from error


def move(storage: Storage, name: str, channel: str, release: str, expected: Content | None) -> None:
    """Point a channel at a release, unless another one moved it since ``expected`` was read.

    Raises:
        MovedError: another one did.
    """
    path = pointer_path(name, channel)
    pointing = Release(storage, name, release)
    data = pointer(pointing)
    if data is None:
        raise PipelineError(
            "the release is not there", where=pointing.where, todo="publish it again"
        )
    for _ in range(ATTEMPTS):
        if storage.swap(path, data, expected):
            return
        now = read(storage, name, channel)
        if now is not None and now.data == data:
            return  # The answer to our own write was lost, or another one did the same.
        if now != expected:
            raise _moved(storage, name, channel, release, now)
    raise PipelineError(
        "the store keeps refusing to move this channel",
        where=f"{storage.where}/{path}",
        todo="another publisher may be at work: try again in a minute",
    )


def pointer(release: Release) -> bytes | None:
    """What a channel holds that points to a release; ``None`` where there is no such release.

    Clients of before read ``manifest``; releases of before have no ``page``.
    """
    manifest, page = (_file(release, name) for name in (MANIFEST, PAGE))
    if manifest is None:
        return None
    record = {"release": release.id, "manifest": manifest["path"], "sha256": manifest["sha256"]}
    return json.dumps(record | ({"page": page} if page else {}), indent=1).encode()


def _file(release: Release, name: str) -> dict[str, str] | None:
    try:
        content = release.read(name)
    except FileNotFoundError:
        return None
    return {"path": release_path(release.id, name), "sha256": hashlib.sha256(content).hexdigest()}


def _moved(
    storage: Storage, name: str, channel: str, release: str, now: Content | None
) -> MovedError:
    to = pointed(now)
    did = f"moved {channel} to release {to.release}" if to else f"removed {channel}"
    return MovedError(
        f"another publisher {did} while this one worked; release {release} is "
        f"published, and {channel} does not point to it",
        where=f"{storage.where}/{pointer_path(name, channel)}",
        todo=f"if it should: pipeline rollback {name} --to {release} --channel {channel} "
        f"--cdn {storage.where}",
    )
