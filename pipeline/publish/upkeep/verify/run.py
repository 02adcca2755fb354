"""Checks everything that is published at a place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.publish.release.channel import manifest_path
from pipeline.publish.release.index import PATH as INDEX
from pipeline.publish.upkeep.verify import listed, twins
from pipeline.publish.upkeep.verify.checks import CHECKS
from pipeline.publish.upkeep.verify.fault import Check, Fault, Published
from pipeline.publish.upkeep.verify.places import RELEASE, Model, Pointer, models, pointed, target
from pipeline.publish.upkeep.verify.root import root, unchecked
from pipeline.storage import Readable, open_readable

MANIFEST_BYTES = 2**24


@dataclass
class Found:
    """What was checked, and what was wrong."""

    where: str
    faults: list[Fault] = field(default_factory=list)
    channels: dict[str, str | None] = field(default_factory=dict)
    """``model/channel`` -> release."""
    releases: list[Published] = field(default_factory=list)
    seen: dict[str, Fault | None] = field(default_factory=dict)
    """Every file that was read -> what was wrong with it."""
    bytes: int = 0
    unchecked: list[str] = field(default_factory=list)
    """What lies beside the models and cannot be checked."""


def verify(
    where: str,
    *,
    checks: Sequence[Check] = CHECKS,
    started: Callable[[int], None] = lambda total_bytes: None,
    advance: Callable[[int], None] = lambda read_bytes: None,
) -> Found:
    """Re-hash everything that is published at a place.

    Args:
        where: a CDN folder, a channel's pointer or a release's manifest; a path or a URL.
        checks: what is checked of each release.
        started: told how many bytes there are to check.
        advance: told of bytes that were checked.

    Raises:
        ConfigError: nothing is published there.
        PipelineError: the place cannot be read.
    """
    named = target(where)
    storage = open_readable(named.root)
    known, faults = models(storage, named)
    found = Found(where, faults)
    if not named.model:
        found.faults += root(storage)
        found.unchecked = unchecked(storage)
    looked: set[str] = set()
    for name, model in sorted(known.items()):
        pointers = [
            _follow(storage, name, channel, found, model) for channel in sorted(model.channels)
        ]
        found.faults += twins.beside(storage, name, [f"{one}.json" for one in model.channels])
        opened = [
            published
            for release in sorted(model.releases)
            if (published := _open(storage, name, release, found, advance))
        ]
        found.releases += [replace(published, looked=looked) for published in opened]
        found.faults += _compared(pointers, opened)
    sizes = _sizes(found.releases)
    started(sum(sizes.values()))
    for published in found.releases:
        for check in checks:
            found.faults += check(published)
    found.bytes = sum(sizes.values())
    return found


def _follow(
    storage: Readable, name: str, channel: str, found: Found, model: Model
) -> Pointer | None:
    """Note what a channel points to."""
    pointer, fault = pointed(storage, name, channel)
    release = found.channels[f"{name}/{channel}"] = pointer.release if pointer else None
    if release:
        model.releases.add(release)
    said = model.channels[channel]
    if said and release and said != release:
        found.faults.append(Fault(INDEX, f"says {name}/{channel} is {said}, and it is {release}"))
    if fault:
        found.faults.append(fault)
    return pointer


def _compared(pointers: Sequence[Pointer | None], releases: Sequence[Published]) -> Iterator[Fault]:
    """Pointers say the sha256 of the very bytes that all else is checked by."""
    known = {published.release: published for published in releases}
    for pointer in pointers:
        if pointer and pointer.release in known:
            yield from pointer.faults(known[pointer.release])


def _open(
    storage: Readable,
    name: str,
    release: str,
    found: Found,
    advance: Callable[[int], None],
) -> Published | None:
    """Read a release's manifest, or note why it cannot be."""
    path = f"{name}/{manifest_path(release)}"
    try:
        content = storage.read(path, MANIFEST_BYTES) if RELEASE.fullmatch(release) else None
        if content is None:
            found.faults.append(Fault(path, "is missing"))
            return None
        manifest = json.loads(content.data)
        if not isinstance(manifest, dict):
            raise ValueError("no JSON object")
    except (ValueError, RecursionError) as error:
        found.faults.append(Fault(path, f"is no manifest: {error}"))
        return None
    return Published(storage, name, release, manifest, content.data, found.seen, advance=advance)


def _sizes(releases: Sequence[Published]) -> dict[str, int]:
    """The bytes of every file to check, each once."""
    sizes: dict[str, int] = {}
    for published in releases:
        try:
            for file in listed.files(published.manifest, published.model):
                sizes[file.path] = file.bytes
                sizes |= {file.path + suffix: size for suffix, size in file.twins.items()}
        except listed.ManifestError:
            continue  # which a check tells
    return sizes
