"""A file elsewhere, the file that came of it, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[int, "int | None"], None]
"""Called with the bytes had so far and the bytes in all, ``None`` while unknown."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download."""

    url: str
    sha256: str | None
    """64 lower-case hex digits; ``None`` where it was never fetched before."""
    max_bytes: int
    how_to_go_local: str
    """What to do where this host cannot be reached, as one sentence without a full stop."""
    sha256_from: str = "the config"
    """Where ``sha256`` is written, for the message when the bytes are others."""
    token_variable: str | None = None
    """The environment variable that may hold a token for its host; no other host gets it."""


@dataclass(frozen=True)
class LocalFile:
    """A downloaded file, whole and checked."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Patience:
    """How long to go on trying."""

    attempts: int = 5
    backoff_seconds: float = 1.0
    """Before the second attempt; doubled before each later one, plus a random part."""
    longest_wait_seconds: float = 60.0
    """Also the most that a server's Retry-After is granted."""
    connect_seconds: float = 10.0
    silence_seconds: float = 30.0
    """Without a byte, before the connection counts as broken."""
