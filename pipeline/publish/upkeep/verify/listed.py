"""The files that a manifest names: not believed before they look as ours do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.storage.layout import TWINS

FILE = re.compile(r"files/([0-9a-f]{64})\.[a-z0-9]{1,8}")
RUNTIME = re.compile(r"runtimes/([0-9a-f]{64})\.[a-z0-9]{1,8}")


@dataclass(frozen=True)
class Listed:
    """A file as a manifest describes it."""

    path: str
    """Below the CDN folder's root."""
    sha256: str
    bytes: int
    twins: Mapping[str, int]
    """``.br`` and ``.gz``, where such a file lies beside it -> its bytes."""


class ManifestError(ValueError):
    """A manifest does not describe its files as it has to."""


def files(manifest: Mapping[str, Any], model: str) -> Iterator[Listed]:
    """Every file of a release, each once: of its artifacts, and its runtimes.

    Raises:
        ManifestError: a description is none, or leads elsewhere.
    """
    found: dict[str, Listed] = {}
    try:
        for artifact in manifest["artifacts"]:
            for file in artifact["files"]:
                one = _listed(file, FILE, f"{model}/")
                found.setdefault(one.path, one)
        for runtime in (manifest.get("runtimes") or {}).values():
            for file in runtime["files"]:
                one = _listed(file, RUNTIME, "")
                found.setdefault(one.path, one)
    except (KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"it does not describe its files: {error!r}") from error
    yield from found.values()


def _listed(file: Mapping[str, Any], pattern: re.Pattern[str], below: str) -> Listed:
    path, sha256, size = file["path"], file["sha256"], file["bytes"]
    # Names lead nowhere else, and say the same as the digests.
    match = pattern.fullmatch(path)
    if not match or match[1] != sha256 or not isinstance(size, int) or size < 0:
        raise ManifestError(f"{path!r} is not the place of a file with sha256 {sha256!r}")
    # Manifests of before knew what brotli would make of a file, and no file lay there.
    with_twins = "gz_bytes" in file
    twins = {
        suffix: int(file[key])
        for suffix, key in TWINS.items()
        if with_twins and file.get(key) is not None
    }
    return Listed(below + path, sha256, size, twins)
