"""What a CDN folder holds: models, their channels and releases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.manifest.parse import MOST_BYTES, ManifestError, parse_manifest
from pipeline.storage.layout import (
    MANIFEST,
    NAME,
    RELEASE,
    RELEASES,
    pointer_path,
    release_and_name,
    release_path,
)

if TYPE_CHECKING:
    from pipeline.manifest.release import ReleaseManifest
    from pipeline.storage import Content, Readable, Storage

#: No pointer is larger; nor is any file of a release's folder.
POINTER_BYTES, FILE_BYTES = 2**16, 2**26


@dataclass(frozen=True)
class Pointer:
    """What a channel's file says. All but the release is whatever stands there."""

    release: str
    manifest: object
    """Path of the release's manifest, from the model's folder."""
    sha256: object
    """Of the manifest."""
    page: object
    """Path and sha256 of what pages need of it; ``None`` in old ones."""

    @classmethod
    def parse(cls, content: bytes) -> Pointer:
        """Raises:
        ValueError: it names no release.
        """
        record = json.loads(content)
        if not isinstance(record, dict) or not is_release(record.get("release")):
            raise ValueError("it names no release")
        return cls(
            record["release"], record.get("manifest"), record.get("sha256"), record.get("page")
        )


@dataclass(frozen=True)
class Release:
    """A release by its place; what it holds is read when it is asked for."""

    storage: Readable
    model: str
    id: str

    @property
    def folder(self) -> str:
        return self.path("").rstrip("/")

    def path(self, name: str = MANIFEST) -> str:
        """A file of its folder, from the CDN folder's root."""
        return f"{self.model}/{release_path(self.id, name)}"

    @property
    def where(self) -> str:
        """Its manifest, for messages."""
        return f"{self.storage.where}/{self.path()}"

    def read(self, name: str) -> bytes:
        """The bytes of a file of its folder.

        Raises:
            FileNotFoundError: it is missing.
            ValueError: it is larger than any of ours.
        """
        content = self.storage.read(self.path(name), FILE_BYTES)
        if content is None:
            raise FileNotFoundError(self.path(name))
        return content.data

    def raw_manifest(self) -> bytes | None:
        """The bytes of its manifest; ``None`` where it is missing.

        Raises:
            ManifestError: it is larger than any.
        """
        try:
            content = self.storage.read(self.path(), MOST_BYTES)
        except ValueError as error:
            raise ManifestError(f"it is {error}") from error
        return content.data if content else None

    def manifest(self) -> ReleaseManifest | None:
        """What its manifest says; ``None`` where it is missing.

        Raises:
            ManifestError: it is none.
        """
        raw = self.raw_manifest()
        return None if raw is None else parse_manifest(raw)


@dataclass(frozen=True)
class Model:
    """A folder with releases, and the channels that point to them."""

    storage: Storage
    name: str

    def pointers(self) -> Iterator[tuple[str, Pointer | None]]:
        """Each file that may be a channel's, and what it says; ``None``: it is none."""
        for file in self.storage.names(self.name):
            channel = file.removesuffix(".json")
            if channel != file and re.fullmatch(NAME, channel):
                yield channel, read_pointer(self.storage, self.name, channel)

    def channels(self) -> dict[str, str]:
        """The channels, and the release that each points to."""
        return {channel: pointer.release for channel, pointer in self.pointers() if pointer}

    def release(self, release: str) -> Release:
        """One of its releases, which need not be there."""
        return Release(self.storage, self.name, release)

    def releases(self) -> list[str]:
        """The releases that are whole: those with a manifest."""
        paths = self.storage.walk(f"{self.name}/{RELEASES}")
        splits = [release_and_name(path.removeprefix(f"{self.name}/")) for path in paths]
        return sorted(
            split[0] for split in splits if split and is_release(split[0]) and split[1] == MANIFEST
        )


def is_release(name: object) -> bool:
    """Whether releases are called so."""
    return isinstance(name, str) and re.fullmatch(RELEASE, name) is not None


def read_pointer(storage: Readable, model: str, channel: str) -> Pointer | None:
    """What a channel says; ``None`` where it is missing or no pointer."""
    try:
        return pointed(storage.read(pointer_path(model, channel), POINTER_BYTES))
    except ValueError:
        return None


def pointed(content: Content | None) -> Pointer | None:
    """What the file of a channel says, if it says anything."""
    try:
        return Pointer.parse(content.data) if content else None
    except (ValueError, RecursionError):
        return None


def list_folders(storage: Storage) -> list[str]:
    """The folders of a CDN folder: of models, and others."""
    return [name.rstrip("/") for name in storage.names("") if name.endswith("/")]


def list_models(storage: Storage) -> list[Model]:
    """The folders that hold releases."""
    return [Model(storage, name) for name in list_folders(storage) if is_model(storage, name)]


def is_model(storage: Storage, folder: str) -> bool:
    """Whether a folder has a model's name, and releases."""
    return re.fullmatch(NAME, folder) is not None and holds_releases(storage, folder)


def holds_releases(storage: Storage, folder: str) -> bool:
    """Whether releases lie in a folder, whatever it is called."""
    return f"{RELEASES}/" in storage.names(folder)
