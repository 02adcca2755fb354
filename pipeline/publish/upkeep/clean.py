"""Removes old releases from a CDN folder, and files that no other release uses.

What a channel points to stays, and so does all that a kept release names: a model whose channels or
kept manifests cannot be read loses nothing. ``client/`` stays whole: pages name its versions.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.publish.release import channel as channels
from pipeline.publish.release import index, site
from pipeline.publish.release.release import told
from pipeline.publish.upkeep.verify.listed import FILE, RUNTIME, files
from pipeline.storage import Entry, Storage, open_storage
from pipeline.storage.flags import CLEANING_SECONDS
from pipeline.storage.layout import MANIFEST, plain

#: Removed between two looks at the clock.
BATCH = 100


@dataclass
class Plan:
    """What a clean-up would remove, or did."""

    before: float
    """Seconds since the epoch; what was written later stays."""
    releases: list[tuple[str, str]] = field(default_factory=list)
    """Model and release."""
    kept: list[tuple[str, str]] = field(default_factory=list)
    manifests: dict[str, Entry] = field(default_factory=dict)
    """Removed first, so that nothing is left that names missing files."""
    files: dict[str, Entry] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """What it frees."""
        return sum(one.bytes for one in (*self.manifests.values(), *self.files.values()))


def clean(cdn: str, keep: int, grace_seconds: float, *, really: bool) -> Plan:
    """Remove, or only name, what is older than the newest ``keep`` releases of each model.

    Args:
        cdn: the CDN folder; a path or a URL.
        keep: releases of each model that stay, besides those that channels point to.
        grace_seconds: what was written since stays: a publisher may be about to name it.
        really: whether to remove it.

    Raises:
        ConfigError: nothing is published there.
        PipelineError: somebody publishes there now; or something cannot be read, and then nothing
            was removed.
    """
    storage = open_storage(cdn)
    with told(storage, "give access, then try again: it goes on where it was"):
        if not really:
            return _plan(storage, keep, time.time() - grace_seconds)
        _refuse_nothing(storage)
        with storage.cleaning(grace_seconds):
            began = time.monotonic()
            made = _plan(storage, keep, time.time() - grace_seconds)
            _remove(storage, made, began)
    return made


def _plan(storage: Storage, keep: int, before: float) -> Plan:
    made = Plan(before)
    listed = index.read(storage)
    used: set[str] = set()
    for name in _models(storage):
        found = storage.walk(name)
        known = listed.get(name, {})
        releases = _releases(storage, name, known)
        stay = _pointed(storage, name, known) | set(releases[-keep:])
        stay |= {one for one in releases if not _old(made, found.get(_manifest(name, one)))}
        made.kept += [(name, one) for one in releases if one in stay]
        made.releases += [(name, one) for one in releases if one not in stay]
        used |= _needed(storage, name, sorted(stay))
        _plan_releases(made, name, found, stay)
        _plan_files(made, found, used, re.compile(f"{re.escape(name)}/{FILE.pattern}"))
    # The last: only now is it known what any model uses.
    _plan_files(made, storage.walk("runtimes"), used, RUNTIME)
    return made


def _refuse_nothing(storage: Storage) -> None:
    """Put no lock, and no flag, where there is nothing; a first publisher may be at work."""
    if not any(
        {"files/", "releases/"} & set(storage.names(name)) for name in index.folders(storage)
    ):
        raise _nothing(storage)


def _nothing(storage: Storage) -> ConfigError:
    return ConfigError("nothing is published there", where=storage.where, todo="name a CDN folder")


def _models(storage: Storage) -> list[str]:
    found = index.models(storage)
    if not found:
        raise _nothing(storage)
    return found


def _releases(storage: Storage, name: str, known: Mapping[str, Any]) -> list[str]:
    """Every release of a model, oldest first; refuses a model with one of unknown age."""
    found = [one["release"] for one in index.releases(storage, name, known.get("releases"))]
    for release in set(index.ids(storage, name)) - set(found):
        raise _unsure(storage, _manifest(name, release), "it is no manifest")
    return found


def _pointed(storage: Storage, name: str, known: Mapping[str, Any]) -> set[str]:
    """What channels point to; refuses a model with one that points nowhere."""
    pointed = set()
    for file in (file for file in storage.names(name) if file.endswith(".json")):
        content = storage.read(f"{name}/{file}")
        if release := channels.release_of(content):
            if storage.read(_manifest(name, release)) is None:
                raise _unsure(storage, f"{name}/{file}", "it points to a missing release")
            pointed.add(release)
        elif file.removesuffix(".json") in known.get("channels", {}):
            raise _unsure(storage, f"{name}/{file}", "it does not say which release it points to")
    return pointed


def _old(made: Plan, entry: Entry | None) -> bool:
    return entry is not None and entry.modified <= made.before


def _manifest(name: str, release: str) -> str:
    return f"{name}/{channels.manifest_path(release)}"


def _needed(storage: Storage, name: str, kept: Iterable[str]) -> set[str]:
    """Every file that kept releases name."""
    needed = set()
    for release in kept:
        path = _manifest(name, release)
        content = storage.read(path)
        try:
            named = list(files(json.loads(content.data), name)) if content else []
        except ValueError as error:
            raise _unsure(storage, path, str(error)) from error
        if not named:
            raise _unsure(storage, path, "names no files")
        needed |= {file.path for file in named}
    return needed


def _unsure(storage: Storage, path: str, why: str) -> PipelineError:
    return PipelineError(
        f"nothing was removed, since it is not sure what is used: {why}",
        where=f"{storage.where}/{path}",
        todo=f"`pipeline verify {storage.where}` says what else is wrong there",
    )


def _plan_releases(made: Plan, name: str, found: Mapping[str, Entry], stay: set[str]) -> None:
    """Releases that are dropped, and folders of those that were never finished."""
    for path, entry in found.items():
        part = path.removeprefix(f"{name}/").split("/")
        if part[0] == "releases" and len(part) > 2 and part[1] not in stay and _old(made, entry):
            (made.manifests if part[2:] == [MANIFEST] else made.files)[path] = entry


def _plan_files(
    made: Plan, found: Mapping[str, Entry], used: Collection[str], ours: re.Pattern[str]
) -> None:
    """Files that no kept release names. What is not named as ours are is somebody else's."""
    for path, entry in found.items():
        file = plain(path)
        if file not in used and ours.fullmatch(file) and _old(made, entry):
            made.files[path] = entry


def _remove(storage: Storage, made: Plan, began: float) -> None:
    """Manifests, then the index, then everything else."""
    try:
        _remove_in_time(storage, list(made.manifests), began)
    finally:
        for name in sorted({name for name, _ in (*made.releases, *made.kept)}):
            index.update(storage, name)
            site.update(storage, name)
    _remove_in_time(storage, list(made.files), began)


def _remove_in_time(storage: Storage, paths: list[str], began: float) -> None:
    """Remove files while publishers wait, and no longer."""
    for batch in _batches(paths):
        if time.monotonic() - began > CLEANING_SECONDS:
            raise PipelineError(
                "there is more to remove than fits into the time that publishers wait",
                where=storage.where,
                todo="the same command again goes on where it was",
            )
        storage.remove(batch)


def _batches(paths: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), BATCH):
        yield paths[start : start + BATCH]
