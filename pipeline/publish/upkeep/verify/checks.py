"""What is checked of every release: one function each. A new check is added to ``CHECKS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from pipeline.cdn.listed import Listed, list_files
from pipeline.manifest.parse import ManifestError, release_id
from pipeline.publish.release import page as pages
from pipeline.publish.release.bom import BOM
from pipeline.publish.release.release import without_added
from pipeline.publish.trust.signature import SIGNATURE
from pipeline.publish.upkeep.verify import hashes, twins
from pipeline.publish.upkeep.verify.fault import Check, Fault, Published
from pipeline.storage.layout import (
    MANIFEST,
    MOST_FILE_BYTES,
    PAGE,
    REPORT,
    REPORT_DATA,
    REPORT_MARKDOWN,
    release_path,
)

#: What a release's folder holds, where it cannot be listed.
OWN = (MANIFEST, PAGE, SIGNATURE, BOM, REPORT, REPORT_MARKDOWN, REPORT_DATA)


def name(published: Published) -> Iterator[Fault]:
    """The release's name is the digest of what its manifest says."""
    expected = release_id(without_added(published.said))
    path = published.path()
    if published.said["name"] != published.model:
        yield Fault(path, f"is of a model named {published.said['name']!r}")
    if not published.id == published.said.get("release") == expected:
        yield Fault(path, f"was changed: what it says has the digest {expected}")


def report(published: Published) -> Iterator[Fault]:
    """The report that the manifest names is there."""
    named = published.said.get("report")
    if named is None:
        return
    if named != release_path(published.id, REPORT):
        yield Fault(published.path(), f"names a report elsewhere: {named!r}")
        return
    try:
        published.read(REPORT)
    except (FileNotFoundError, ValueError) as error:
        yield Fault(published.path(REPORT), _error_in_words(error))


def page(published: Published) -> Iterator[Fault]:
    """What pages load says what the manifest says; releases of before have none."""
    try:
        same = published.read(PAGE) == pages.encode(published.said)
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError):
        same = False  # far too large, or of a manifest that is none
    if not same:
        yield Fault(published.path(PAGE), f"is not what follows from {MANIFEST}")


def check_twins(published: Published) -> Iterator[Fault]:
    """Servers send compressed twins, where there are any, in place of a release's own files."""
    yield from twins.beside(published.storage, published.folder, OWN, published.raw)


def check_unlisted(published: Published) -> Iterator[Fault]:
    """Twins that the manifest does not tell of are sent all the same."""
    try:
        listed = list_files(published.said, published.model)
    except ManifestError:
        return  # which another check tells
    new = [
        (file, suffix)
        for file in listed
        for suffix in hashes.DECOMPRESS
        if suffix not in file.twins and file.path + suffix not in published.looked
    ]
    published.looked.update(file.path + suffix for file, suffix in new)
    yield from twins.strays(published.storage, new)


def content(published: Published) -> Iterator[Fault]:
    """Every file has its sha256 and size; compressed ones hold the same; so do runtimes."""
    try:
        listed = list_files(published.said, published.model)
    except ManifestError as error:
        yield Fault(published.path(), str(error))
        return
    with ThreadPoolExecutor(twins.PARALLEL) as pool:
        futures = {
            pool.submit(check): (path, size)
            for file in listed
            for path, size, check in _jobs(published, file)
            if path not in published.seen
        }
        for future in as_completed(futures):
            path, size = futures[future]
            fault = published.seen[path] = future.result()
            published.advance(size)
            if fault:
                yield fault


def size(published: Published) -> Iterator[Fault]:
    """No file is larger than hosts take."""
    try:
        listed = list_files(published.said, published.model)
    except ManifestError:
        return  # which another check tells
    for file in listed:
        sizes = {file.path: file.bytes} | {file.path + end: n for end, n in file.twins.items()}
        for path, holds in sizes.items():
            if holds > MOST_FILE_BYTES:
                most = f"{MOST_FILE_BYTES:,}"
                yield Fault(path, f"holds {holds:,} bytes: some hosts take none over {most}")


def _jobs(
    published: Published, file: Listed
) -> Iterator[tuple[str, int, Callable[[], Fault | None]]]:
    storage = published.storage
    yield file.path, file.bytes, lambda: hashes.check(storage, file)
    for suffix, size in file.twins.items():
        yield (
            file.path + suffix,
            size,
            lambda suffix=suffix: hashes.check_twin(storage, file, suffix),  # type: ignore[misc]
        )


def _error_in_words(error: Exception) -> str:
    return hashes.MISSING if isinstance(error, FileNotFoundError) else f"is {error}"


CHECKS: tuple[Check, ...] = (name, report, page, check_twins, content, size, check_unlisted)
