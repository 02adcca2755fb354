"""Compressed twins that no manifest tells of: servers send them in place of the file all the same.

Publishing writes them beside manifests, the client and the demo; others somebody put there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from pipeline.base.errors import PipelineError
from pipeline.cdn.listed import Listed
from pipeline.publish.upkeep.verify import hashes
from pipeline.publish.upkeep.verify.fault import Fault
from pipeline.storage import Readable, Storage
from pipeline.storage.base import join
from pipeline.storage.layout import MANIFEST

#: Files that are read at once.
PARALLEL = 8


def beside(
    storage: Readable, folder: str, paths: Iterable[str], manifest: bytes | None = None
) -> Iterator[Fault]:
    """Every twin in a folder has to unpack to the file that it lies beside.

    Args:
        paths: names of the files there, where they cannot be listed.
        manifest: the bytes of ``manifest.json``, where it was read: a server may answer otherwise
            the next time.
    """
    if isinstance(storage, Storage):
        yield from among(storage, [join(folder, name) for name in storage.names(folder)])
        return
    for name in paths:
        try:
            file = _hash_known(storage, join(folder, name), manifest if name == MANIFEST else None)
        except (FileNotFoundError, PipelineError):
            continue  # told where it has to be there; stores refuse what is not, too
        yield from strays(storage, [(file, suffix) for suffix in hashes.DECOMPRESS])


def _hash_known(storage: Readable, path: str, content: bytes | None) -> Listed:
    if content is None:
        return measure_file(storage, path)
    return Listed(path, hashlib.sha256(content).hexdigest(), len(content), {})


def among(storage: Storage, paths: Iterable[str]) -> Iterator[Fault]:
    """Every twin among these files has to unpack to the file that it lies beside."""
    for path in paths:
        for suffix in hashes.DECOMPRESS:
            if not path.endswith(suffix):
                continue
            try:
                file = measure_file(storage, path.removesuffix(suffix))
            except FileNotFoundError:
                yield Fault(path, "lies beside no file")
                continue
            if fault := hashes.check_twin(storage, file, suffix):
                yield fault


def strays(storage: Readable, twins: Iterable[tuple[Listed, str]]) -> Iterator[Fault]:
    """Of twins that need not be there, what is wrong with those that are.

    Args:
        twins: files, each with a suffix.
    """
    by_path = {file.path + suffix: (file, suffix) for file, suffix in twins}
    if isinstance(storage, Storage):
        there = storage.sizes(list(by_path))
        by_path = {path: by_path[path] for path in there}
    with ThreadPoolExecutor(PARALLEL) as pool:
        faults = pool.map(lambda twin: _stray(storage, *twin), by_path.values())
        yield from (fault for fault in faults if fault)


def _stray(storage: Readable, file: Listed, suffix: str) -> Fault | None:
    try:
        fault = hashes.check_twin(storage, file, suffix)
    except PipelineError:
        if isinstance(storage, Storage):
            raise
        return None  # buckets that may not be listed refuse what is not there
    # Sites of one page answer with that page wherever nothing is.
    nothing = {hashes.MISSING}
    if not isinstance(storage, Storage):
        nothing |= {*hashes.NOT_PACKED.values()}
    return None if fault and fault.what in nothing else fault


def measure_file(storage: Readable, path: str) -> Listed:
    """A file as it is; FileNotFoundError where it is not."""

    def hashed(blocks: Iterator[bytes]) -> tuple[str, int]:
        sha256, size = hashlib.sha256(), 0
        for block in blocks:
            sha256.update(block)
            size += len(block)
        return sha256.hexdigest(), size

    return Listed(path, *storage.fold(path, hashed), {})
