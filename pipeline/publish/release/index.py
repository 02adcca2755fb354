"""Keeps ``index.json``; several publishers add to it at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.base.errors import PipelineError
from pipeline.cdn.index import (
    MOST_BYTES,
    ModelEntry,
    Models,
    ReleaseEntry,
    ReleaseSummary,
    parse_index,
    shown_channel,
)
from pipeline.cdn.tree import Model, Release, is_model, list_folders
from pipeline.storage.base import Content, Storage
from pipeline.storage.layout import INDEX, release_path

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.release import ReleaseManifest

#: Each time that a swap is lost, another publisher got its own done.
ATTEMPTS = 50

#: What is raised by a manifest that is none.
BROKEN = (ValueError, KeyError, TypeError, AttributeError)


def update(storage: Storage, name: str) -> None:
    """Bring the index to say of a model what is there; what it says of others stays.

    What is there is looked up after the index was read, and the index is swapped: so whoever
    changes a channel last also writes last what it points to.
    """
    for _ in range(ATTEMPTS):
        before, listed = _read(storage)
        data = _merge(storage, listed, name)
        if before is not None and before.data == data:
            return
        if storage.swap(INDEX, data, before):
            return
    raise PipelineError(
        "others keep changing the index",
        where=f"{storage.where}/{INDEX}",
        todo="everything is published; the same command again brings the index up to date",
    )


def _read(storage: Storage) -> tuple[Content | None, Models]:
    """The file, and what it says; nothing where it is no index."""
    try:
        content = storage.read(INDEX, MOST_BYTES)
    except ValueError as error:
        raise PipelineError(
            f"is no index: it is {error}",
            where=f"{storage.where}/{INDEX}",
            todo="remove this file, then try again: it is written anew",
        ) from error
    with suppress(ValueError):
        return content, parse_index(content.data) if content else {}
    return content, {}


def _merge(storage: Storage, before: Models, name: str) -> bytes:
    models: Models = {}
    for folder in list_folders(storage):
        if folder != name and folder in before:
            models[folder] = before[folder]
        elif folder == name or is_model(storage, folder):
            listed = before[folder]["releases"] if folder in before else []
            models[folder] = _model(Model(storage, folder), listed)
    return json.dumps({"models": models}, indent=1).encode()


def _model(model: Model, listed: Iterable[ReleaseEntry]) -> ModelEntry:
    channels = model.channels()
    about = _about(model, channels.get(shown_channel(channels) or ""))
    rest: ModelEntry = {"channels": channels, "releases": list_releases(model, listed)}
    return {"about": about, **rest} if about else rest


def _about(model: Model, release: str | None) -> ReleaseSummary | None:
    """What a list of models says of one; nothing where no channel points to a whole release."""
    with suppress(*BROKEN):
        manifest = model.release(release).manifest() if release else None
        return describe(manifest) if manifest else None
    return None


def describe(manifest: ReleaseManifest) -> ReleaseSummary:
    """What a release is, in a few values: ``bytes`` to download of its smallest and largest."""
    sizes = [wire_bytes(artifact) for artifact in manifest["artifacts"]]
    task, accuracy = manifest.get("task"), manifest.get("accuracy")
    return {
        "description": manifest.get("description"),
        "license": manifest.get("license"),
        "task": task,
        "accuracy": accuracy["value"] if accuracy else None,
        "metric": accuracy.get("metric") if accuracy else None,
        "artifacts": len(sizes),
        "bytes": [min(sizes), max(sizes)],
        # Pages make inputs of images by the task's code, where a release has it.
        "demo": task in (manifest.get("runtimes") or {}),
    }


def wire_bytes(artifact: Artifact) -> int:
    """What an artifact takes on the way to a page, of hosts that compress."""
    return sum(file.get("br_bytes") or file["bytes"] for file in artifact["files"])


def list_releases(model: Model, listed: Iterable[ReleaseEntry] = ()) -> list[ReleaseEntry]:
    """Name, date and artifacts of each release, oldest first.

    Args:
        listed: what an index said before; releases never change, so they need not be read again.
    """
    before = {release["release"]: release for release in listed}
    releases = [before.get(id_) or _read_entry(model.release(id_)) for id_ in model.releases()]
    return sorted(
        (release for release in releases if release),
        key=lambda release: (release["created"], release["release"]),
    )


def _read_entry(release: Release) -> ReleaseEntry | None:
    """``None`` for what is no manifest of it: that is for ``pipeline verify`` to say."""
    with suppress(*BROKEN):
        manifest = release.manifest()
        if manifest and manifest["release"] == release.id and isinstance(manifest["created"], str):
            return _entry_of(manifest)
    return None


def _entry_of(manifest: ReleaseManifest) -> ReleaseEntry:
    """What the index says of a release."""
    entry: ReleaseEntry = {
        "release": manifest["release"],
        "created": manifest["created"],
        "manifest": release_path(manifest["release"]),
        "report": manifest.get("report", ""),
        "artifacts": [artifact["id"] for artifact in manifest["artifacts"]],
    }
    if "report" not in manifest:
        del entry["report"]
    return entry
