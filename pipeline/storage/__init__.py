"""Where releases are published to: one small interface, and one file for each kind of place.

A ``KIND`` is found by the scheme of a URL. What none names goes to ``remote``, which works on
everything that fsspec knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigError
from pipeline.storage.base import Content, Entry, Readable, Storage
from pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from pipeline.storage.kind import Open

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
    storage = _opener(scheme(where))(str(where), **options)
    if not isinstance(storage, Storage):
        raise ConfigError(
            "can only be read",
            where=str(where),
            todo="name the folder or the bucket behind it, such as s3://bucket/prefix",
        )
    return storage


def open_readable(where: str | Path, **options: Any) -> Readable:
    """Any place that can be read: those that can be written, and ``http(s)://``."""
    if scheme(where) == "file":
        return open_storage(where)
    return _opener(scheme(where))(str(where), **options)


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


def _opener(name: str) -> Open:
    from pipeline.base.registry import find_plugins
    from pipeline.storage.kind import StorageKind
    from pipeline.storage.remote import RemoteStorage

    kinds = find_plugins("storage", "KIND", StorageKind)
    return next((kind.open for kind in kinds.values() if name in kind.schemes), RemoteStorage)
