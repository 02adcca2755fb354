"""Removes old releases from a CDN folder, and files that no other release uses.

What a channel points to stays, and so does all that a kept release names: a model whose channels or
kept manifests cannot be read loses nothing. ``client/`` stays whole: pages name its versions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.index import ModelEntry, read_index
from pipeline.cdn.listed import FILE, RUNTIME, list_files
from pipeline.cdn.tree import Model, Release, is_release, list_folders, list_models
from pipeline.manifest.parse import ManifestError
from pipeline.publish.release import index, site
from pipeline.publish.release.release import explain_errors
from pipeline.storage import Entry, Readable, Storage, open_storage
from pipeline.storage.flags import CLEANING_SECONDS
from pipeline.storage.layout import (
    FILES,
    MANIFEST,
    RELEASES,
    RUNTIMES,
    plain,
    pointer_path,
    release_and_name,
)

#: Removed between two looks at the clock.
BATCH = 100


@dataclass
class CleanPlan:
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
        return sum(entry.bytes for entry in (*self.manifests.values(), *self.files.values()))


def clean(cdn: str, keep: int, grace_seconds: float, *, really: bool) -> CleanPlan:
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
    with explain_errors(storage, "give access, then try again: it goes on where it was"):
        if not really:
            return _plan(storage, keep, time.time() - grace_seconds)
        _refuse_nothing(storage)
        with storage.cleaning(grace_seconds):
            began = time.monotonic()
            plan = _plan(storage, keep, time.time() - grace_seconds)
            _remove(storage, plan, began)
    return plan


def _plan(storage: Storage, keep: int, before: float) -> CleanPlan:
    plan = CleanPlan(before)
    listed = read_index(storage)
    used: set[str] = set()
    for model in _models(storage):
        name, entries = model.name, storage.walk(model.name)
        entry = listed.get(name) or ModelEntry(channels={}, releases=[])
        releases = _releases(model, entry)
        stay = _pointed_releases(model, entry) | set(releases[-keep:])
        stay |= {
            release
            for release in releases
            if not _old(plan, entries.get(model.release(release).path()))
        }
        plan.kept += [(name, release) for release in releases if release in stay]
        plan.releases += [(name, release) for release in releases if release not in stay]
        used |= {path for release in sorted(stay) for path in _list_named(model.release(release))}
        _plan_releases(plan, name, entries, stay)
        _plan_files(plan, entries, used, re.compile(f"{re.escape(name)}/{FILE.pattern}"))
    # The last: only now is it known what any model uses.
    _plan_files(plan, storage.walk(RUNTIMES), used, RUNTIME)
    return plan


def _refuse_nothing(storage: Storage) -> None:
    """Put no lock, and no flag, where there is nothing; a first publisher may be at work."""
    ours = {f"{FILES}/", f"{RELEASES}/"}
    if not any(ours & set(storage.names(name)) for name in list_folders(storage)):
        raise _nothing(storage)


def _nothing(storage: Storage) -> ConfigError:
    return ConfigError("nothing is published there", where=storage.where, todo="name a CDN folder")


def _models(storage: Storage) -> list[Model]:
    models = list_models(storage)
    if not models:
        raise _nothing(storage)
    return models


def _releases(model: Model, entry: ModelEntry) -> list[str]:
    """Every release of a model, oldest first; refuses a model with one of unknown age."""
    releases = [release["release"] for release in index.list_releases(model, entry["releases"])]
    for release in set(model.releases()) - set(releases):
        raise _unsure(model.release(release).where, "it is no manifest", model.storage)
    return releases


def _pointed_releases(model: Model, entry: ModelEntry) -> set[str]:
    """What channels point to; refuses a model with one that points nowhere."""
    pointed = set()
    for channel, pointer in model.pointers():
        where = f"{model.storage.where}/{pointer_path(model.name, channel)}"
        if pointer:
            path = model.release(pointer.release).path()
            if not model.storage.sizes([path]):
                raise _unsure(where, "it points to a missing release", model.storage)
            pointed.add(pointer.release)
        elif channel in entry["channels"]:
            why = "it does not say which release it points to"
            raise _unsure(where, why, model.storage)
    return pointed


def _old(plan: CleanPlan, entry: Entry | None) -> bool:
    return entry is not None and entry.modified <= plan.before


def _list_named(release: Release) -> list[str]:
    """Every file that a kept release names."""
    try:
        manifest = release.manifest()
        named = list_files(manifest, release.model) if manifest else []
    except ManifestError as error:
        raise _unsure(release.where, str(error), release.storage) from error
    if not named:
        raise _unsure(release.where, "names no files", release.storage)
    return [file.path for file in named]


def _unsure(where: str, why: str, storage: Readable) -> PipelineError:
    return PipelineError(
        f"nothing was removed, since it is not sure what is used: {why}",
        where=where,
        todo=f"`pipeline verify {storage.where}` says what else is wrong there",
    )


def _plan_releases(
    plan: CleanPlan, name: str, entries: Mapping[str, Entry], stay: set[str]
) -> None:
    """Releases that are dropped, and folders of those that were never finished."""
    for path, entry in entries.items():
        release, file = release_and_name(path.removeprefix(f"{name}/")) or ("", "")
        is_ours = is_release(release) or release.startswith(".")
        if is_ours and release not in stay and _old(plan, entry):
            (plan.manifests if file == MANIFEST else plan.files)[path] = entry


def _plan_files(
    plan: CleanPlan, entries: Mapping[str, Entry], used: Collection[str], ours: re.Pattern[str]
) -> None:
    """Files that no kept release names. What is not named as ours are is somebody else's."""
    for path, entry in entries.items():
        file = plain(path)
        if file not in used and ours.fullmatch(file) and _old(plan, entry):
            plan.files[path] = entry


def _remove(storage: Storage, plan: CleanPlan, began: float) -> None:
    """Manifests, then the index, then everything else."""
    try:
        _remove_in_time(storage, list(plan.manifests), began)
    finally:
        for name in sorted({name for name, _ in (*plan.releases, *plan.kept)}):
            index.update(storage, name)
            site.update(storage, name)
    _remove_in_time(storage, list(plan.files), began)


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
