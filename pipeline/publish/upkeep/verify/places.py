"""What there is to check below a folder or URL: channels and releases, from index and listing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.publish.release import channel as channels
from pipeline.publish.release.index import PATH as INDEX
from pipeline.publish.release.index import ids
from pipeline.publish.release.index import models as model_folders
from pipeline.publish.upkeep.verify.fault import Fault, Published
from pipeline.storage import Readable, Storage
from pipeline.storage.layout import MANIFEST, NAME, PAGE

RELEASE = re.compile(r"[0-9a-f]{16}")
POINTER_BYTES = 2**16
INDEX_BYTES = 2**26


@dataclass(frozen=True)
class Target:
    """What a user named: a CDN folder, one channel's pointer, or one manifest."""

    root: str
    model: str | None = None
    channel: str | None = None
    release: str | None = None


@dataclass
class Model:
    """What is known of one model."""

    channels: dict[str, str | None] = field(default_factory=dict)
    """Channel -> the release that an index names, where nothing else was compared with it."""
    releases: set[str] = field(default_factory=set)


def target(where: str) -> Target:
    """What a path or URL stands for, by its form."""
    where = where.rstrip("/")
    parts = where.split("/")
    if parts[-1] in (MANIFEST, PAGE) and parts[-3:-2] == ["releases"]:
        return Target("/".join(parts[:-4]) or ".", parts[-4], release=parts[-2])
    if where.endswith(".json") and parts[-1] != INDEX:
        return Target(
            "/".join(parts[:-2]) or ".", parts[-2], channel=parts[-1].removesuffix(".json")
        )
    return Target(where.removesuffix(f"/{INDEX}"))


def models(storage: Readable, named: Target) -> tuple[dict[str, Model], list[Fault]]:
    """Every model to check, and what is wrong with the index.

    Raises:
        ConfigError: nothing is published there.
    """
    if named.model:
        chosen: dict[str, str | None] = {named.channel: None} if named.channel else {}
        release = {named.release} if named.release else set()
        return {named.model: Model(chosen, release)}, []
    said, faults = _index(storage)
    there = _there(storage)
    if not said and not there and not faults:
        raise _nothing(storage)
    if there is not None:
        faults += list(_compared(said, there))
    found = {name: Model() for name in (*said, *(there or {}))}
    for known in (said, there or {}):
        for name, one in known.items():
            # Where there is a listing, the index was compared with it.
            found[name].channels |= (
                one["channels"] if there is None else dict.fromkeys(one["channels"])
            )
            found[name].releases |= set(one["releases"])
    return found, faults


def _nothing(storage: Readable) -> ConfigError:
    if isinstance(storage, Storage) and "releases/" in storage.names(""):
        return ConfigError(
            "is the folder of one model",
            where=storage.where,
            todo="name the CDN folder above it, or one of its channels: …/latest.json",
        )
    return ConfigError(
        "nothing is published there",
        where=storage.where,
        todo="name the CDN folder, a channel such as …/mobilenet/latest.json, or a manifest",
    )


Said = dict[str, dict[str, Any]]
"""Model -> ``channels`` (channel -> release) and ``releases``."""


def _index(storage: Readable) -> tuple[Said, list[Fault]]:
    """What the index says."""
    found: Said = {}
    try:
        content = storage.read(INDEX, INDEX_BYTES)
        if content is None:
            return {}, []
        for name, model in json.loads(content.data)["models"].items():
            releases = [one["release"] for one in model["releases"]]
            _check_names(name, *model["channels"])
            _check_releases(*releases, *model["channels"].values())
            found[name] = {"channels": dict(model["channels"]), "releases": releases}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {}, [Fault(INDEX, f"is no index: {error}")]
    return found, []


def _check_names(*names: Any) -> None:
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise ValueError(f"{name!r} is no name")


def _check_releases(*releases: Any) -> None:
    for release in releases:
        if not isinstance(release, str) or not RELEASE.fullmatch(release):
            raise ValueError(f"{release!r} is no release")


def _there(storage: Readable) -> Said | None:
    """What a listing shows; ``None`` where there is none to be had."""
    if not isinstance(storage, Storage):
        return None
    return {
        name: {"channels": channels.channels(storage, name), "releases": ids(storage, name)}
        for name in model_folders(storage)
        if re.fullmatch(NAME, name)
    }


def _compared(said: Said, there: Said) -> Iterator[Fault]:
    """Where the index is behind."""
    nothing: dict[str, Any] = {"channels": {}, "releases": []}
    for name in sorted({*said, *there}):
        listed, found = said.get(name, nothing), there.get(name, nothing)
        for channel in sorted({*listed["channels"], *found["channels"]}):
            old, new = listed["channels"].get(channel), found["channels"].get(channel)
            if old != new:
                yield Fault(INDEX, f"says {name}/{channel} is {old}, and it is {new}")
        for release in sorted({*found["releases"]} - {*listed["releases"]}):
            yield Fault(INDEX, f"does not list release {release} of {name}")


@dataclass(frozen=True)
class Pointer:
    """What a channel says."""

    path: str
    release: str
    sha256: Any
    """Of the release's manifest: whatever stands there."""
    page: Any
    """Path and sha256 of what pages need of it: whatever stands there; ``None`` in old ones."""

    def faults(self, published: Published) -> Iterator[Fault]:
        """Whether the manifests are others than the pointer says."""
        if hashlib.sha256(published.raw).hexdigest() != self.sha256:
            yield Fault(self.path, f"says another sha256 than that of release {self.release}")
        if self.page is None:
            return
        try:
            sha256 = hashlib.sha256(published.file(PAGE)).hexdigest()
        except (FileNotFoundError, ValueError):
            yield Fault(published.path(PAGE), "is missing")
            return
        if self.page != {"path": channels.page_path(self.release), "sha256": sha256}:
            yield Fault(self.path, f"says another {PAGE} than that of release {self.release}")


def pointed(storage: Readable, model: str, channel: str) -> tuple[Pointer | None, Fault | None]:
    """What a channel says, and what is wrong with its form."""
    path = channels.path_of(model, channel)
    try:
        content = storage.read(path, POINTER_BYTES)
        if content is None:
            return None, Fault(path, "is missing")
        said = json.loads(content.data)
        release, manifest, sha256 = (said[key] for key in ("release", "manifest", "sha256"))
        _check_releases(release)
    except (ValueError, KeyError, TypeError) as error:
        return None, Fault(path, f"is no pointer to a release: {error}")
    pointer = Pointer(path, release, sha256, said.get("page"))
    if manifest != channels.manifest_path(release):
        return pointer, Fault(path, f"points to another place than its release's: {manifest!r}")
    return pointer, None
