"""The files that a manifest names: not believed before they look as ours do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.manifest.parse import ManifestError, models
from pipeline.storage.layout import FILES, RUNTIMES, TWINS

if TYPE_CHECKING:
    from pipeline.manifest.artifact import File
    from pipeline.manifest.release import Manifest, ReleaseManifest, RuntimeFile

_NAMED = r"/([0-9a-f]{64})\.[a-z0-9]{1,8}"
#: A file of a model, by its path in the model's folder; one of a runtime, from the root.
FILE, RUNTIME = re.compile(FILES + _NAMED), re.compile(RUNTIMES + _NAMED)


@dataclass(frozen=True)
class Listed:
    """A file as a manifest describes it."""

    path: str
    """Below the CDN folder's root."""
    sha256: str
    bytes: int
    twins: Mapping[str, int]
    """``.br`` and ``.gz``, where such a file lies beside it -> its bytes."""


def list_files(manifest: ReleaseManifest, model: str) -> list[Listed]:
    """Every file of a release, each once: of its artifacts, and its runtimes.

    Raises:
        ManifestError: a description is none, or leads elsewhere.
    """
    try:
        by_path = {
            file.path: file
            for part in models(manifest)
            for file in chain(_list_own(part, model), _runtimes(part))
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"it does not describe its files: {error!r}") from error
    return list(by_path.values())


def _list_own(manifest: Manifest, model: str) -> Iterator[Listed]:
    for artifact in manifest["artifacts"]:
        for file in artifact["files"]:
            yield _entry_of(file, FILE, f"{model}/")


def _runtimes(manifest: Manifest) -> Iterator[Listed]:
    for runtime in (manifest.get("runtimes") or {}).values():
        for file in runtime["files"]:
            yield _entry_of(file, RUNTIME, "")


def _entry_of(file: File | RuntimeFile, pattern: re.Pattern[str], below: str) -> Listed:
    path, sha256 = file["path"], file["sha256"]
    # Names lead nowhere else, and say the same as the digests.
    match = pattern.fullmatch(path)
    if not match or match[1] != sha256:
        raise ManifestError(f"{path!r} is not the place of a file with sha256 {sha256!r}")
    return Listed(below + path, sha256, _size(file["bytes"]), dict(_twins(file)))


def _twins(file: File | RuntimeFile) -> Iterator[tuple[str, int]]:
    # Manifests of before knew what brotli would make of a file, and no file lay there.
    if "gz_bytes" in file:
        for suffix, size in zip(TWINS, (file["br_bytes"], file["gz_bytes"]), strict=True):
            if size is not None:
                yield suffix, _size(size)


def _size(size: object) -> int:
    if type(size) is not int or size < 0:
        raise ManifestError(f"{size!r} is no number of bytes")
    return size
