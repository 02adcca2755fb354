"""Moves a channel to a release that is published already, older or newer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.publish.release import channel as channels
from pipeline.publish.release import hosting, index, site
from pipeline.publish.release.release import told
from pipeline.publish.upkeep.verify.listed import ManifestError, files
from pipeline.storage import Storage, open_storage
from pipeline.storage.layout import NAME

#: Digits of a release's id that are enough, if they are one's only.
SHORTEST = 4


@dataclass(frozen=True)
class Moved:
    """What a rollback did."""

    pointer: str
    """The channel's file: a path or a URL."""
    before: str | None
    """The release that it pointed to."""
    release: str


def rollback(name: str, release: str, channel: str, cdn: str) -> Moved:
    """Point a model's channel at a release, after a look whether all of it is there.

    Args:
        release: its id, or the beginning of it.
        cdn: the CDN folder; a path or a URL.

    Raises:
        ConfigError: there is no such model or release, or that is no name of a channel.
        MovedError: another one moved the channel meanwhile.
        PipelineError: the release is not whole; the channel stays where it is.
    """
    _check_name("model", name)
    _check_name("channel", channel)
    storage = open_storage(cdn)
    with told(storage, "give write access, then try again"):
        before = channels.read(storage, name, channel)
        found = _only(storage, name, release)
        with storage.publishing():
            check_whole(storage, name, found)
            channels.move(storage, name, channel, found, before)
            index.update(storage, name)
            site.update(storage, name)
            hosting.update(storage)
    pointer = f"{storage.where}/{channels.path_of(name, channel)}"
    return Moved(pointer, channels.release_of(before), found)


def _only(storage: Storage, name: str, release: str) -> str:
    """The id that ``release`` is the beginning of."""
    known = index.ids(storage, name)
    if not known:
        raise ConfigError(
            f'no release of "{name}" is published there',
            where=storage.where,
            todo=f"`pipeline list {storage.where}` names what there is",
        )
    found = [one for one in known if one.startswith(release)]
    if len(found) == 1 and len(release) >= SHORTEST:
        return found[0]
    what = "is several" if len(found) > 1 else "is none"
    near = found[:6] or get_close_matches(release, known, n=3, cutoff=0.3) or known[-6:]
    raise ConfigError(
        f'"{release}" {what} of the releases of {name}',
        where=storage.where,
        todo=f"name one of {', '.join(near)}, by {SHORTEST} digits or more",
    )


def _check_name(what: str, name: str) -> None:
    """Refuse what would lead out of the CDN folder, or to a file of another kind."""
    if not re.fullmatch(NAME, name):
        raise ConfigError(
            f'"{name}" is no name of a {what}',
            todo="use lower-case letters, digits, dots, dashes and underscores; 64 at most",
        )


def check_whole(storage: Storage, name: str, release: str) -> None:
    """Refuse a release that readers could not load."""
    path = f"{name}/{channels.manifest_path(release)}"
    where = f"{storage.where}/{path}"
    content = storage.read(path)
    try:
        if content is None:
            raise ManifestError("it was removed")
        missing = lacking(storage, name, json.loads(content.data))
    except ValueError as error:
        raise PipelineError(f"is no whole release: {error}", where=where) from error
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise PipelineError(
            f"files of this release are missing: {', '.join(missing[:3])}{more}",
            where=where,
            todo="the channel stays where it is; build or copy this release again",
        )


def lacking(storage: Storage, name: str, manifest: Mapping[str, Any]) -> list[str]:
    """Files of a release that are missing or of another size; twins need only be there."""
    listed = list(files(manifest, name))
    twins = {file.path + suffix for file in listed for suffix in file.twins}
    there = storage.sizes([*(file.path for file in listed), *twins])
    cut = [file.path for file in listed if there.get(file.path) != file.bytes]
    return [*cut, *sorted(twins - set(there))]
