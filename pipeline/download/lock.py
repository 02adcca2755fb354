"""``configs/<name>.lock``: the digest of every file that a config's downloads gave.

It is written when a file is first downloaded and checked ever after, so that the same
config never builds from other weights without anyone noticing. Keep it in version control.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.files import alone_in, write_aside
from pipeline.download.address import hide_secrets


@dataclass(frozen=True)
class Digest:
    """What a URL gave."""

    sha256: str
    bytes: int


def lock_path(config_path: Path) -> Path:
    """Where a config's digests are written."""
    return config_path.with_suffix(".lock")


def read(config_path: Path) -> dict[str, Digest]:
    """URL -> digest; empty before the first download. Raises SourceError where it is corrupt."""
    path = lock_path(config_path)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {url: _digest(entry) for url, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"this lock file cannot be read ({error})",
            where=str(path),
            todo="restore it from version control, or delete it to record the digests afresh",
        ) from error


def record(config_path: Path, url: str, digest: Digest) -> None:
    """Add a URL's digest, once for all. Raises SourceError where another one is recorded."""
    path = lock_path(config_path)
    try:
        with alone_in(path.parent):
            entries, name = read(config_path), key(url)
            if entries.get(name, digest) != digest:
                raise _another(path, url, entries[name], digest)
            if name not in entries:
                _write(path, {**entries, name: digest})
    except OSError as error:
        raise PipelineError(
            f"could not record the digest of a download ({error.strerror or error})",
            where=str(path),
            todo="make the config's folder writable",
        ) from error


def key(url: str) -> str:
    """What a lock calls a URL: it lies in version control, where no password has a place.

    A query may be a token, so only its digest is kept.
    """
    parts = urlsplit(url)
    query = sha256(parts.query.encode()).hexdigest() if parts.query else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query).geturl()


def _write(path: Path, entries: dict[str, Digest]) -> None:
    plain = {url: asdict(digest) for url, digest in entries.items()}
    write_aside(path, json.dumps(plain, indent=1, sort_keys=True) + "\n")


def _digest(entry: dict[str, Any]) -> Digest:
    digest = Digest(**entry)
    if not re.fullmatch("[0-9a-f]{64}", digest.sha256) or type(digest.bytes) is not int:
        raise ValueError(f"{entry} is no digest")
    return digest


def _another(path: Path, url: str, expected: Digest, actual: Digest) -> SourceError:
    return SourceError(
        f"{hide_secrets(url)} gave sha256 {actual.sha256} ({actual.bytes:,} bytes), "
        f"recorded is {expected.sha256} ({expected.bytes:,} bytes)",
        where=str(path),
        todo="if the new file is to be trusted, delete its entry there and run again",
    )
