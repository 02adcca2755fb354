"""Checks everything that is published at a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.cdn.listed import list_files
from pipeline.cdn.tree import Pointer, Release, is_release
from pipeline.manifest.parse import ManifestError, parse_manifest
from pipeline.publish.upkeep.verify import twins
from pipeline.publish.upkeep.verify.checks import CHECKS
from pipeline.publish.upkeep.verify.fault import Check, Fault, Published
from pipeline.publish.upkeep.verify.places import CheckedModel, compare, follow, models, target
from pipeline.publish.upkeep.verify.root import list_unchecked, root
from pipeline.storage import Readable, open_readable
from pipeline.storage.layout import INDEX, pointer_path


@dataclass
class VerifyResult:
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
) -> VerifyResult:
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
    by_name, faults = models(storage, named)
    result = VerifyResult(where, faults)
    if not named.model:
        result.faults += root(storage)
        result.unchecked = list_unchecked(storage)
    looked: set[str] = set()
    for name, model in sorted(by_name.items()):
        pointers = {
            pointer_path(name, channel): _follow(storage, name, channel, result, model)
            for channel in sorted(model.channels)
        }
        listed = [path.removeprefix(f"{name}/") for path in pointers]
        result.faults += twins.beside(storage, name, listed)
        opened = [
            published
            for release in sorted(model.releases)
            if (published := _open(Release(storage, name, release), result, advance))
        ]
        result.releases += [replace(published, looked=looked) for published in opened]
        result.faults += _compare_pointers(pointers, opened)
    sizes = _sizes(result.releases)
    started(sum(sizes.values()))
    for published in result.releases:
        for check in checks:
            result.faults += check(published)
    result.bytes = sum(sizes.values())
    return result


def _follow(
    storage: Readable, name: str, channel: str, result: VerifyResult, model: CheckedModel
) -> Pointer | None:
    """Note what a channel points to."""
    pointer, fault = follow(storage, pointer_path(name, channel))
    release = result.channels[f"{name}/{channel}"] = pointer.release if pointer else None
    if release:
        model.releases.add(release)
    indexed = model.channels[channel]
    if indexed and release and indexed != release:
        result.faults.append(
            Fault(INDEX, f"says {name}/{channel} is {indexed}, and it is {release}")
        )
    if fault:
        result.faults.append(fault)
    return pointer


def _compare_pointers(
    pointers: Mapping[str, Pointer | None], releases: Sequence[Published]
) -> Iterator[Fault]:
    """Pointers say the sha256 of the very bytes that all else is checked by."""
    by_id = {published.id: published for published in releases}
    for path, pointer in pointers.items():
        if pointer and pointer.release in by_id:
            yield from compare(pointer, by_id[pointer.release], path)


def _open(
    release: Release, result: VerifyResult, advance: Callable[[int], None]
) -> Published | None:
    """Read a release's manifest, or note why it cannot be."""
    try:
        raw = release.raw_manifest() if is_release(release.id) else None
        if raw is None:
            result.faults.append(Fault(release.path(), "is missing"))
            return None
        manifest = parse_manifest(raw)
    except ManifestError as error:
        result.faults.append(Fault(release.path(), f"is no manifest: {error}"))
        return None
    place = release.storage, release.model, release.id
    return Published(*place, manifest, raw, result.seen, advance=advance)


def _sizes(releases: Sequence[Published]) -> dict[str, int]:
    """The bytes of every file to check, each once."""
    sizes: dict[str, int] = {}
    for published in releases:
        try:
            for file in list_files(published.said, published.model):
                sizes[file.path] = file.bytes
                sizes |= {file.path + suffix: size for suffix, size in file.twins.items()}
        except ManifestError:
            continue  # which a check tells
    return sizes
