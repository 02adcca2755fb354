"""Moves a channel to a release that is published already, older or newer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.listed import list_files
from pipeline.cdn.tree import Model, pointed
from pipeline.manifest.parse import ManifestError
from pipeline.publish.release import channel as channels
from pipeline.publish.release import hosting, index, site
from pipeline.publish.release.release import explain_errors
from pipeline.storage import open_storage
from pipeline.storage.layout import NAME, pointer_path

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
    with explain_errors(storage, "give write access, then try again"):
        before = channels.read(storage, name, channel)
        model = Model(storage, name)
        target = _only(model, release)
        with storage.publishing():
            check_whole(model, target)
            channels.move(storage, name, channel, target, before)
            index.update(storage, name)
            site.update(storage, name)
            hosting.update(storage)
    old = pointed(before)
    pointer = f"{storage.where}/{pointer_path(name, channel)}"
    return Moved(pointer, old.release if old else None, target)


def _only(model: Model, release: str) -> str:
    """The id that ``release`` is the beginning of."""
    releases, where = model.releases(), model.storage.where
    if not releases:
        raise ConfigError(
            f'no release of "{model.name}" is published there',
            where=where,
            todo=f"`pipeline list {where}` names what there is",
        )
    matches = [candidate for candidate in releases if candidate.startswith(release)]
    if len(matches) == 1 and len(release) >= SHORTEST:
        return matches[0]
    what = "is several" if len(matches) > 1 else "is none"
    near = matches[:6] or get_close_matches(release, releases, n=3, cutoff=0.3) or releases[-6:]
    raise ConfigError(
        f'"{release}" {what} of the releases of {model.name}',
        where=where,
        todo=f"name one of {', '.join(near)}, by {SHORTEST} digits or more",
    )


def _check_name(what: str, name: str) -> None:
    """Refuse what would lead out of the CDN folder, or to a file of another kind."""
    if not re.fullmatch(NAME, name):
        raise ConfigError(
            f'"{name}" is no name of a {what}',
            todo="use lower-case letters, digits, dots, dashes and underscores; 64 at most",
        )


def check_whole(model: Model, release: str) -> None:
    """Refuse a release that readers could not load."""
    where = model.release(release).where
    try:
        missing = list_missing(model, release)
    except ManifestError as error:
        raise PipelineError(f"is no whole release: {error}", where=where) from error
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise PipelineError(
            f"files of this release are missing: {', '.join(missing[:3])}{more}",
            where=where,
            todo="the channel stays where it is; build or copy this release again",
        )


def list_missing(model: Model, release: str) -> list[str]:
    """Files of a release that are missing or of another size; twins need only be there."""
    if (manifest := model.release(release).manifest()) is None:
        raise ManifestError("it was removed")
    listed = list_files(manifest, model.name)
    twins = {file.path + suffix for file in listed for suffix in file.twins}
    there = model.storage.sizes([*(file.path for file in listed), *twins])
    cut = [file.path for file in listed if there.get(file.path) != file.bytes]
    return [*cut, *sorted(twins - set(there))]
