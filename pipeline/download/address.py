"""Addresses of files elsewhere: which they are, and how they are shown."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def is_web_address(text: str) -> bool:
    """True for http(s)://host…, the only addresses that are downloaded from."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def hide_secrets(url: str) -> str:
    """The URL without what may be secret in it: user, password, query, fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is not one"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
