"""The class of header that each file of a CDN folder is served with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

#: Files that are named by their digest, or lie in a folder that is.
IMMUTABLE = "public, max-age=31536000, immutable"
#: Pointers that move.
SHORT = "public, max-age=60, stale-while-revalidate=600"

TYPES = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".sig": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
#: The folder of one version of the client.
_DIGEST = re.compile(r"[0-9a-f]{16}")

ENCODINGS = {".br": "br", ".gz": "gzip"}


@dataclass(frozen=True)
class Headers:
    """How a file is to be served."""

    content_type: str
    cache_control: str
    content_encoding: str | None = None


def headers(path: str) -> Headers:
    """What a file is served with, by its path below the CDN folder's root."""
    suffix = PurePosixPath(path).suffix
    encoding = ENCODINGS.get(suffix)
    plain = path.removesuffix(suffix) if encoding else path
    kind = TYPES.get(PurePosixPath(plain).suffix, "application/octet-stream")
    return Headers(kind, IMMUTABLE if immutable(path) else SHORT, encoding)


def immutable(path: str) -> bool:
    """Whether a file never changes once it is there."""
    top, *rest = path.split("/")
    if top == "client":
        return len(rest) > 1 and bool(_DIGEST.fullmatch(rest[0]))
    if top == "runtimes":
        return rest != ["LICENSES.txt"]
    return len(rest) > 1 and rest[0] in ("files", "releases")
