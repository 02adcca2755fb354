"""Channels: small files that point to a release, and are moved by compare-and-swap."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress

from pipeline.base.errors import PipelineError
from pipeline.storage.base import Content, Storage
from pipeline.storage.layout import MANIFEST, PAGE

#: Of a swap that the place refused though nothing had changed: S3 does so while another one writes.
ATTEMPTS = 5


class MovedError(PipelineError):
    """Another publisher moved the channel first."""


def path_of(name: str, channel: str) -> str:
    """Where a model's channel lies."""
    return f"{name}/{channel}.json"


def manifest_path(release: str) -> str:
    """Where a release's manifest lies, in its model's folder."""
    return f"releases/{release}/{MANIFEST}"


def page_path(release: str) -> str:
    """Where what pages need of it lies."""
    return f"releases/{release}/{PAGE}"


def read(storage: Storage, name: str, channel: str) -> Content | None:
    """The channel as it is: what a later ``move`` expects."""
    return storage.read(path_of(name, channel))


def release_of(channel: Content | None) -> str | None:
    """The release that a pointer names; ``None`` where it is no pointer."""
    with suppress(ValueError, KeyError, TypeError):
        found = json.loads(channel.data)["release"] if channel else None
        return found if isinstance(found, str) else None
    return None


def move(storage: Storage, name: str, channel: str, release: str, expected: Content | None) -> None:
    """Point a channel at a release, unless another one moved it since ``expected`` was read.

    Raises:
        MovedError: another one did.
    """
    path = path_of(name, channel)
    data = pointer(storage, name, release)
    if data is None:
        where = f"{storage.where}/{name}/{manifest_path(release)}"
        raise PipelineError("the release is not there", where=where, todo="publish it again")
    for _ in range(ATTEMPTS):
        if storage.swap(path, data, expected):
            return
        now = storage.read(path)
        if now is not None and now.data == data:
            return  # The answer to our own write was lost, or another one did the same.
        if now != expected:
            raise _moved(storage, name, channel, release, now)
    raise PipelineError(
        "the store keeps refusing to move this channel",
        where=f"{storage.where}/{path}",
        todo="another publisher may be at work: try again in a minute",
    )


def pointer(storage: Storage, name: str, release: str) -> bytes | None:
    """What a channel holds that points to a release; ``None`` where there is no such release.

    Clients of before read ``manifest``; releases of before have no ``page``.
    """
    manifest, page = (_file(storage, name, of(release)) for of in (manifest_path, page_path))
    if manifest is None:
        return None
    said = {"release": release, "manifest": manifest["path"], "sha256": manifest["sha256"]}
    return json.dumps(said | ({"page": page} if page else {}), indent=1).encode()


def _file(storage: Storage, name: str, path: str) -> dict[str, str] | None:
    content = storage.read(f"{name}/{path}")
    if content is None:
        return None
    return {"path": path, "sha256": hashlib.sha256(content.data).hexdigest()}


def _moved(
    storage: Storage, name: str, channel: str, release: str, now: Content | None
) -> MovedError:
    to = release_of(now)
    did = f"moved {channel} to release {to}" if to else f"removed {channel}"
    return MovedError(
        f"another publisher {did} while this one worked; release {release} is "
        f"published, and {channel} does not point to it",
        where=f"{storage.where}/{path_of(name, channel)}",
        todo=f"if it should: pipeline rollback {name} --to {release} --channel {channel} "
        f"--cdn {storage.where}",
    )


def channels(storage: Storage, name: str) -> dict[str, str]:
    """The channels of a model, and the release that each points to."""
    files = [file for file in storage.names(name) if file.endswith(".json")]
    found = {file.removesuffix(".json"): storage.read(f"{name}/{file}") for file in files}
    return {
        channel: release
        for channel, content in found.items()
        if (release := release_of(content)) is not None
    }
