"""Where releases are published to: one small interface, and one file for each kind of place.

A module that defines ``SCHEMES`` and ``open_url`` is found by the scheme of a URL. What no module
names goes to ``remote``, which works on everything that fsspec knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError
from pipeline.storage.base import Content, Entry, Readable, Storage
from pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "Content",
    "Entry",
    "Readable",
    "Storage",
    "open_readable",
    "open_storage",
    "problem",
    "require",
    "scheme",
]

READ_ONLY = ("http", "https", "data", "github", "zip", "tar")


def scheme(where: str | Path) -> str:
    """The scheme of a URL; ``file`` for a folder."""
    head, mark, _ = str(where).partition("://")
    return head.lower() if mark and "/" not in head else "file"


def open_storage(where: str | Path, **options: Any) -> Storage:
    """The place that ``publish.to`` names: a folder, or any URL that fsspec knows.

    Args:
        options: of the kind of place, such as ``patience``.

    Raises:
        MissingToolError: its library is not installed.
        ConfigError: nothing knows the scheme, or it can only be read.
    """
    if scheme(where) == "file":
        return LocalStorage(Path(str(where).removeprefix("file://")))
    found = _module(scheme(where)).open_url(str(where), **options)
    if not isinstance(found, Storage):
        raise ConfigError(
            "can only be read",
            where=str(where),
            todo="name the folder or the bucket behind it, such as s3://bucket/prefix",
        )
    return found


def open_readable(where: str | Path, **options: Any) -> Readable:
    """Any place that can be read: those that can be written, and ``http(s)://``."""
    if scheme(where) == "file":
        return open_storage(where)
    found: Readable = _module(scheme(where)).open_url(str(where), **options)
    return found


def problem(where: str) -> str | None:
    """Why nothing can be published there, whatever is installed; ``None`` if it can."""
    kind = scheme(where)
    if kind == "file":
        return None
    from difflib import get_close_matches

    from fsspec.registry import known_implementations

    if kind in READ_ONLY:
        return f"{where} can only be read; name a folder, or a bucket such as s3://bucket/prefix"
    if kind in known_implementations:
        return None
    near = get_close_matches(kind, known_implementations, n=1)
    hint = f"; did you mean {near[0]}://?" if near else "; name a folder, or s3://bucket/prefix"
    return f"fsspec knows no {kind}://{hint}"


def require(where: str | Path) -> None:
    """Raise, before a long build does its work, what ``open_storage`` would raise for the URL."""
    if scheme(where) != "file":
        from pipeline.storage.remote import implementation

        implementation(str(where))


def _module(name: str) -> ModuleType:
    from pipeline.base.registry import discover
    from pipeline.storage import remote

    kinds = discover("storage", "SCHEMES")
    return next((module for module in kinds.values() if name in module.SCHEMES), remote)
