"""Copies what is published in one place to another: from build machines to a site or a bucket.

Releases stay what they are, byte by byte, with their signatures; the order of publishing is kept:
immutable files, then releases, then channels, then the index.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.base.errors import ConfigError
from pipeline.publish.release import channel as channels
from pipeline.publish.release import hosting, index, site
from pipeline.publish.release.release import told
from pipeline.publish.release.upload import Piece, Progress, Silent, missing, stale, upload
from pipeline.publish.trust.signature import SIGNATURE
from pipeline.publish.upkeep.rollback import check_whole
from pipeline.storage import Content, Storage, open_storage
from pipeline.storage.layout import MANIFEST, plain
from pipeline.storage.local import LocalStorage

AGAIN = "make room or give write access, then copy again: only what is missing is copied"


@dataclass(frozen=True)
class Source:
    """A CDN folder, or one model of it."""

    storage: Storage
    models: tuple[str, ...]


def source(where: str) -> Source:
    """What there is to copy at a place.

    Raises:
        ConfigError: nothing is published there.
    """
    if "releases/" in open_storage(where).names(""):
        parent, _, name = where.rstrip("/").rpartition("/")
        return Source(open_storage(parent or "."), (name,))
    storage = open_storage(where)
    models = tuple(index.models(storage))
    if not models:
        raise ConfigError("nothing is published there", where=where, todo="run `pipeline build`")
    return Source(storage, models)


def copy(one: Source, to: Storage, progress: Progress | None = None) -> list[str]:
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
        (model, name): channels.read(to, model, name)
        for model in one.models
        for name in channels.channels(one.storage, model)
    }
    with told(to, AGAIN), to.publishing(), _local(one.storage) as fetch:
        pieces = list(_pieces(one, fetch))
        to.remove(stale(to, pieces))
        upload(to, missing(to, pieces), progress or Silent())
        for model in one.models:
            _add_releases(one.storage, to, model, fetch)
        try:
            return _move(one.storage, to, pointers)
        finally:
            for model in one.models:
                index.update(to, model)
                site.update(to, model)
            hosting.update(to)


def _move(
    storage: Storage, to: Storage, pointers: Mapping[tuple[str, str], Content | None]
) -> list[str]:
    """Point channels to what they point to at the source, unless others moved them meanwhile."""
    wanted = {at: channels.channels(storage, at[0])[at[1]] for at in pointers}
    moving = {
        at: release
        for at, release in wanted.items()
        if (before := pointers[at]) is None or before.data != channels.pointer(to, at[0], release)
    }
    for model, release in sorted({(at[0], release) for at, release in moving.items()}):
        check_whole(to, model, release)
    moved = []
    for (model, name), release in moving.items():
        before = pointers[model, name]
        channels.move(to, model, name, release, before)
        back = _back(to, model, channels.release_of(before), release)
        moved.append(f"{model}/{name} -> {release}{back}")
    return moved


def _back(to: Storage, model: str, before: str | None, release: str) -> str:
    """What there is to say of a channel that went to an older release."""
    dates = {one["release"]: one["created"] for one in index.releases(to, model)}
    if before in dates and dates[before] > dates.get(release, ""):
        return f" (back: {before}, where it pointed before, was made later)"
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


def _pieces(one: Source, fetch: Fetch) -> Iterator[Piece]:
    """The files beside the models, then theirs; but nothing that says what a folder holds."""
    singles = [name for name in one.storage.names("") if not name.endswith("/")]
    # What says what a folder holds is written anew.
    own = {index.PATH, site.FRONT}
    sizes = one.storage.sizes([name for name in singles if plain(name) not in own])
    shared = sorted({*index.folders(one.storage)} - {*index.models(one.storage)})
    for folder in (*shared, *(f"{model}/files" for model in one.models)):
        sizes |= {path: entry.bytes for path, entry in one.storage.walk(folder).items()}
    for path, size in sizes.items():
        if not hosting.hidden(path):
            yield Piece(path, lambda path=path: fetch(path), size, _digest(path))  # type: ignore[misc]


def _digest(path: str) -> str | None:
    """What a file that is named by its digest has to hold."""
    stem, _, suffix = path.rpartition("/")[2].partition(".")
    is_digest = len(stem) == 64 and all(letter in "0123456789abcdef" for letter in stem)
    return stem if is_digest and "." not in suffix else None


def _add_releases(storage: Storage, to: Storage, model: str, fetch: Fetch) -> None:
    """Copy the releases that are not there: a release that is keeps its own date and signature."""
    there = set(index.ids(to, model))
    for release in index.ids(storage, model):
        folder = f"{model}/releases/{release}"
        if release in there:
            _add_signature(storage, to, folder, fetch)
            continue
        with to.new_folder(folder, last=MANIFEST) as aside:
            for path in storage.walk(folder):
                target = aside / path.removeprefix(f"{folder}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(fetch(path).read_bytes())
                target.chmod(0o644)


def _add_signature(storage: Storage, to: Storage, folder: str, fetch: Fetch) -> None:
    """Copy a signature that was made after the release was copied, where it is of the same one."""
    signature, manifest = f"{folder}/{SIGNATURE}", f"{folder}/{MANIFEST}"
    if signature not in storage.sizes([signature]) or signature in to.sizes([signature]):
        return
    here, there = storage.read(manifest), to.read(manifest)
    if here and there and here.data == there.data:
        to.add(signature, fetch(signature))
