"""How each file of a CDN folder is to be served: the one table that every kind of server is told.

``hosting.py`` writes it for Netlify, Cloudflare Pages and nginx; ``pipeline serve`` and buckets
use it as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.storage.layout import CLIENT, FILES, RELEASES, RUNTIMES

#: Files that are named by their digest, or lie in a folder that is.
IMMUTABLE = "public, max-age=31536000, immutable"
#: Pointers that move.
SHORT = "public, max-age=60, stale-while-revalidate=600"

#: On every answer, errors too: a page of another origin sees what went wrong only where it may
#: read it.
ALWAYS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Encoding, Content-Length, "
    "Content-Range, ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    # Both together give the pages here SharedArrayBuffer, and with it threads; scripts of workers
    # need the second one too.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
#: In answer to OPTIONS.
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}

TYPES = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".sig": "application/json",
    ".svg": "image/svg+xml",
    # Types of the client. Servers that guess take it for a video.
    ".ts": "application/typescript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
UNKNOWN = "application/octet-stream"
ENCODINGS = {".br": "br", ".gz": "gzip"}

#: Paths of files that never change once they are there; the rest does.
UNCHANGING = rf"(?:{CLIENT}/[0-9a-f]{{16}}/|{RUNTIMES}/|[^/]+/(?:{FILES}|{RELEASES})/)"
_UNCHANGING = re.compile(UNCHANGING)


@dataclass(frozen=True)
class Headers:
    """How a file is to be served, beside what every answer has."""

    content_type: str
    cache_control: str
    content_encoding: str | None = None


def headers(path: str) -> Headers:
    """What a file is served with, by its path below the CDN folder's root."""
    suffix = PurePosixPath(path).suffix
    encoding = ENCODINGS.get(suffix)
    plain = path.removesuffix(suffix) if encoding else path
    return Headers(content_type(plain), IMMUTABLE if immutable(path) else SHORT, encoding)


def content_type(path: str) -> str:
    """The type of a file by its name."""
    return TYPES.get(PurePosixPath(path).suffix, UNKNOWN)


def immutable(path: str) -> bool:
    """Whether a file never changes once it is there."""
    return _UNCHANGING.match(path) is not None
