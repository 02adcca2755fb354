"""What there is to check below a folder or URL: channels and releases, from index and listing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.base.errors import ConfigError
from pipeline.cdn.index import load_index
from pipeline.cdn.tree import POINTER_BYTES, Pointer, holds_releases, list_models
from pipeline.publish.upkeep.verify.fault import Fault, Published
from pipeline.storage import Readable, Storage
from pipeline.storage.layout import (
    INDEX,
    MANIFEST,
    PAGE,
    RELEASES,
    release_path,
)


@dataclass(frozen=True)
class CheckTarget:
    """What a user named: a CDN folder, one channel's pointer, or one manifest."""

    root: str
    model: str | None = None
    channel: str | None = None
    release: str | None = None


@dataclass
class CheckedModel:
    """What is known of one model."""

    channels: dict[str, str | None] = field(default_factory=dict)
    """Channel -> its release, as an index names it; ``None`` where all was compared with that."""
    releases: set[str] = field(default_factory=set)


def target(where: str) -> CheckTarget:
    """What a path or URL stands for, by its form."""
    where = where.rstrip("/")
    parts = where.split("/")
    if parts[-1] in (MANIFEST, PAGE) and parts[-3:-2] == [RELEASES]:
        return CheckTarget("/".join(parts[:-4]) or ".", parts[-4], release=parts[-2])
    if where.endswith(".json") and parts[-1] != INDEX:
        return CheckTarget(
            "/".join(parts[:-2]) or ".", parts[-2], channel=parts[-1].removesuffix(".json")
        )
    return CheckTarget(where.removesuffix(f"/{INDEX}"))


def models(storage: Readable, named: CheckTarget) -> tuple[dict[str, CheckedModel], list[Fault]]:
    """Every model to check, and what is wrong with the index.

    Raises:
        ConfigError: nothing is published there.
    """
    if named.model:
        channels: dict[str, str | None] = {named.channel: None} if named.channel else {}
        release = {named.release} if named.release else set()
        return {named.model: CheckedModel(channels, release)}, []
    listed, faults = _index(storage)
    there = _list_there(storage)
    if not listed and not there and not faults:
        raise _nothing(storage)
    if there is not None:
        faults += list(_compare_index(listed, there))
    by_name = {name: CheckedModel() for name in (*listed, *(there or {}))}
    for side in (listed, there or {}):
        for name, model in side.items():
            # Where there is a listing, the index was compared with it.
            by_name[name].channels |= (
                model.channels if there is None else dict.fromkeys(model.channels)
            )
            by_name[name].releases |= model.releases
    return by_name, faults


def _nothing(storage: Readable) -> ConfigError:
    if isinstance(storage, Storage) and holds_releases(storage, ""):
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


def _index(storage: Readable) -> tuple[dict[str, CheckedModel], list[Fault]]:
    """What the index says."""
    try:
        models = load_index(storage) or {}
    except ValueError as error:
        return {}, [Fault(INDEX, f"is no index: {error}")]
    return {
        name: CheckedModel(
            {**model["channels"]}, {release["release"] for release in model["releases"]}
        )
        for name, model in models.items()
    }, []


def _list_there(storage: Readable) -> dict[str, CheckedModel] | None:
    """What a listing shows; ``None`` where there is none to be had."""
    if not isinstance(storage, Storage):
        return None
    return {
        model.name: CheckedModel({**model.channels()}, {*model.releases()})
        for model in list_models(storage)
    }


def _compare_index(
    indexed: dict[str, CheckedModel], there: dict[str, CheckedModel]
) -> Iterator[Fault]:
    """Where the index is behind."""
    for name in sorted({*indexed, *there}):
        listed, actual = indexed.get(name, CheckedModel()), there.get(name, CheckedModel())
        for channel in sorted({*listed.channels, *actual.channels}):
            old, new = listed.channels.get(channel), actual.channels.get(channel)
            if old != new:
                yield Fault(INDEX, f"says {name}/{channel} is {old}, and it is {new}")
        for release in sorted(actual.releases - listed.releases):
            yield Fault(INDEX, f"does not list release {release} of {name}")


def compare(pointer: Pointer, published: Published, path: str) -> Iterator[Fault]:
    """Whether the manifests are others than a pointer says.

    Args:
        path: the pointer's.
    """
    if hashlib.sha256(published.raw).hexdigest() != pointer.sha256:
        yield Fault(path, f"says another sha256 than that of release {pointer.release}")
    if pointer.page is None:
        return
    try:
        sha256 = hashlib.sha256(published.read(PAGE)).hexdigest()
    except (FileNotFoundError, ValueError):
        yield Fault(published.path(PAGE), "is missing")
        return
    if pointer.page != {"path": release_path(pointer.release, PAGE), "sha256": sha256}:
        yield Fault(path, f"says another {PAGE} than that of release {pointer.release}")


def follow(storage: Readable, path: str) -> tuple[Pointer | None, Fault | None]:
    """What a channel says, and what is wrong with its form; ``path`` is its pointer's."""
    try:
        content = storage.read(path, POINTER_BYTES)
        if content is None:
            return None, Fault(path, "is missing")
        pointer = Pointer.parse(content.data)
    except (ValueError, RecursionError) as error:
        return None, Fault(path, f"is no pointer to a release: {error}")
    if pointer.manifest != release_path(pointer.release):
        what = f"points to another place than its release's: {pointer.manifest!r}"
        return pointer, Fault(path, what)
    return pointer, None
