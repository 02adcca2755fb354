"""Copies what is published in one place to another: from build machines to a site or a bucket.

Releases stay what they are, byte by byte, with their signatures; the order of publishing is kept:
immutable files, then releases, then channels, then the index.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.base.errors import ConfigError
from pipeline.cdn.tree import Model, Release, holds_releases, list_folders, list_models, pointed
from pipeline.publish.release import channel as channels
from pipeline.publish.release import hosting, index, site
from pipeline.publish.release.release import explain_errors
from pipeline.publish.release.upload import (
    CopyProgress,
    Piece,
    SilentProgress,
    list_missing,
    stale,
    upload,
)
from pipeline.publish.trust.signature import SIGNATURE
from pipeline.publish.upkeep.rollback import check_whole
from pipeline.storage import Content, Storage, open_storage
from pipeline.storage.layout import FILES, FRONT, INDEX, MANIFEST, plain
from pipeline.storage.local import LocalStorage

AGAIN = "make room or give write access, then copy again: only what is missing is copied"


@dataclass(frozen=True)
class CopySource:
    """A CDN folder, or one model of it."""

    storage: Storage
    models: tuple[Model, ...]

    @property
    def names(self) -> list[str]:
        """Of its models."""
        return [model.name for model in self.models]


def source(where: str) -> CopySource:
    """What there is to copy at a place.

    Raises:
        ConfigError: nothing is published there.
    """
    storage = open_storage(where)
    if holds_releases(storage, ""):
        parent, _, name = where.rstrip("/").rpartition("/")
        storage = open_storage(parent or ".")
        return CopySource(storage, (Model(storage, name),))
    models = tuple(list_models(storage))
    if not models:
        raise ConfigError("nothing is published there", where=where, todo="run `pipeline build`")
    return CopySource(storage, models)


def copy(source: CopySource, to: Storage, progress: CopyProgress | None = None) -> list[str]:
    """Add everything of a source to another CDN folder.

    Releases that are there stay, and get a signature that came later. The files of the root that
    change (client, demo) and the channels become the source's, also where they were newer.

    Returns:
        The channels that were moved, as ``MODEL/CHANNEL -> RELEASE``; with a word on it where the
        one before was made later.

    Raises:
        MovedError: another publisher moved a channel meanwhile.
        PipelineError: a place cannot be read or written, or a release that a channel is to point
            to is not whole; no channel was moved.
    """
    pointers = {
        (model.name, channel): channels.read(to, model.name, channel)
        for model in source.models
        for channel in model.channels()
    }
    with explain_errors(to, AGAIN), to.publishing(), _local(source.storage) as fetch:
        pieces = list(_pieces(source, fetch))
        to.remove(stale(to, pieces))
        upload(to, list_missing(to, pieces), progress or SilentProgress())
        for model in source.models:
            _add_releases(model, to, fetch)
        try:
            return _move(source, to, pointers)
        finally:
            for name in source.names:
                index.update(to, name)
                site.update(to, name)
            hosting.update(to)


def _move(
    source: CopySource, to: Storage, pointers: Mapping[tuple[str, str], Content | None]
) -> list[str]:
    """Point channels to what they point to at the source, unless others moved them meanwhile."""
    targets = {model.name: model.channels() for model in source.models}
    releases = {at: Release(to, at[0], targets[at[0]][at[1]]) for at in pointers}
    moving = {
        at: release
        for at, release in releases.items()
        if (before := pointers[at]) is None or before.data != channels.pointer(release)
    }
    for model, id_ in sorted({(release.model, release.id) for release in moving.values()}):
        check_whole(Model(to, model), id_)
    moved = []
    for (model, channel), release in moving.items():
        before = pointers[model, channel]
        channels.move(to, model, channel, release.id, before)
        moved.append(f"{model}/{channel} -> {release.id}{_back(to, model, before, release.id)}")
    return moved


def _back(to: Storage, model: str, before: Content | None, release: str) -> str:
    """What there is to say of a channel that went to an older release."""
    dates = {
        release["release"]: release["created"] for release in index.list_releases(Model(to, model))
    }
    old = pointed(before)
    if old and dates.get(old.release, "") > dates.get(release, ""):
        return f" (back: {old.release}, where it pointed before, was made later)"
    return ""


class Fetch:
    """Gives a local file of one in a store."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self.storage = storage
        self.folder = folder

    def __call__(self, path: str) -> Path:
        if isinstance(self.storage, LocalStorage):
            return self.storage.root / path
        local = self.folder / path
        local.parent.mkdir(parents=True, exist_ok=True)
        with local.open("wb") as file:
            self.storage.fold(path, partial(_write, file))
        return local


def _write(file: BinaryIO, blocks: Iterator[bytes]) -> None:
    """From the start: reading begins anew where it broke off."""
    file.seek(0)
    file.truncate()
    file.writelines(blocks)


@contextmanager
def _local(storage: Storage) -> Iterator[Fetch]:
    with tempfile.TemporaryDirectory(prefix="pipeline-copy-") as folder:
        yield Fetch(storage, Path(folder))


def _pieces(source: CopySource, fetch: Fetch) -> Iterator[Piece]:
    """The files beside the models, then theirs; but nothing that says what a folder holds."""
    singles = [name for name in source.storage.names("") if not name.endswith("/")]
    # What says what a folder holds is written anew.
    pages = {INDEX, FRONT}
    sizes = source.storage.sizes([name for name in singles if plain(name) not in pages])
    folders = list_folders(source.storage)
    shared = [folder for folder in folders if not holds_releases(source.storage, folder)]
    for folder in (*shared, *(f"{name}/{FILES}" for name in source.names)):
        sizes |= {path: entry.bytes for path, entry in source.storage.walk(folder).items()}
    for path, size in sizes.items():
        if not hosting.hidden(path):
            yield Piece(path, lambda path=path: fetch(path), size, _digest(path))  # type: ignore[misc]


def _digest(path: str) -> str | None:
    """What a file that is named by its digest has to hold."""
    stem, _, suffix = path.rpartition("/")[2].partition(".")
    is_digest = len(stem) == 64 and all(letter in "0123456789abcdef" for letter in stem)
    return stem if is_digest and "." not in suffix else None


def _add_releases(model: Model, to: Storage, fetch: Fetch) -> None:
    """Copy the releases that are not there: a release that is keeps its own date and signature."""
    there = set(Model(to, model.name).releases())
    for release in map(model.release, model.releases()):
        if release.id in there:
            _add_signature(release, to, fetch)
            continue
        with to.new_folder(release.folder, last=MANIFEST) as aside:
            for path in model.storage.walk(release.folder):
                target = aside / path.removeprefix(f"{release.folder}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(fetch(path).read_bytes())
                target.chmod(0o644)


def _add_signature(release: Release, to: Storage, fetch: Fetch) -> None:
    """Copy a signature that was made after the release was copied, where it is of the same one."""
    signature, copied = release.path(SIGNATURE), replace(release, storage=to)
    if not fetch.storage.sizes([signature]) or to.sizes([signature]):
        return
    if release.read(MANIFEST) == copied.read(MANIFEST):
        to.add(signature, fetch(signature))
