"""A real HTTP server on 127.0.0.1 whose every answer a test can script."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUT_BYTES = 40_000


@dataclass
class Request:
    """What a client asked for, and how much of the body it was sent."""

    path: str
    headers: dict[str, str]
    sent_bytes: int = 0

    @property
    def first_byte(self) -> int:
        """Where the asked-for range begins; 0 without one."""
        found = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(found[1]) if found else 0


@dataclass
class Site:
    """The files served, the faults to come, and the requests that came."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    """Each is used for one request, in order; then files are served as they should be."""
    always: Fault | None = None
    requests: list[Request] = field(default_factory=list)
    etags: bool = True

    def put(self, name: str, content: bytes) -> str:
        """Serve ``content`` and give its URL."""
        self.files[f"/{name}"] = content
        return f"{self.address}/{name}"

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


class Handler(BaseHTTPRequestHandler):
    """Serves ``Site.files`` with ranges, If-Range and ETags (RFC 9110, 13 and 14)."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_seen = Request(self.path, headers)
        self.site.requests.append(self.request_seen)
        fault = self.site.faults.pop(0) if self.site.faults else self.site.always
        (fault or serve)(self)

    @property
    def content(self) -> bytes | None:
        return self.site.files.get(self.path.partition("?")[0])

    def start(self, status: int, **headers: object) -> None:
        """Send the head; ``Retry_After=1`` becomes ``Retry-After: 1``."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, content: bytes) -> None:
        self.wfile.write(content)
        self.request_seen.sent_bytes += len(content)

    def drop(self) -> None:
        """Reset the connection, as a router that restarts does."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def etag(self, content: bytes) -> dict[str, str]:
        return {"ETag": f'"{hashlib.md5(content).hexdigest()}"'} if self.site.etags else {}

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest's output is for its reports."""


Fault = Callable[[Handler], None]


def serve(handler: Handler) -> None:
    """What a good server does."""
    content = handler.content
    if content is None:
        handler.start(404, Content_Length=0)
        return
    tag, seen = handler.etag(content), handler.request_seen
    first, wanted = seen.first_byte, seen.headers.get("if-range")
    if first == 0 or wanted != tag.get("ETag"):
        handler.start(200, Content_Length=len(content), **tag)
        handler.body(content)
    elif first >= len(content):
        handler.start(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
    else:
        span = f"bytes {first}-{len(content) - 1}/{len(content)}"
        handler.start(206, Content_Length=len(content) - first, Content_Range=span, **tag)
        handler.body(content[first:])


def drop_after(count: int) -> Fault:
    """Send so many bytes of what was asked for, then drop the connection."""

    def fault(handler: Handler) -> None:
        content, first = handler.content or b"", handler.request_seen.first_byte
        status = 206 if first else 200
        span = {"Content_Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        extra = handler.etag(content) | (span if first else {})
        handler.start(status, Content_Length=len(content) - first, **extra)
        handler.body(content[first : first + count])
        handler.drop()

    return fault


def drop_at_once(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.drop()


def cut_short(handler: Handler) -> None:
    """Send half of the file, with a clean end, as if it were the whole."""
    half = (handler.content or b"")[:CUT_BYTES]
    handler.start(200, Content_Length=len(half), **handler.etag(half))
    handler.body(half)


def endless(handler: Handler) -> None:
    """Send chunks without ever saying how many there will be."""
    handler.start(200, Transfer_Encoding="chunked")
    for _ in range(10_000):
        try:
            handler.body(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        except OSError:
            break
    handler.close_connection = True


def chunked(handler: Handler) -> None:
    """Send the whole file in chunks, without its length."""
    content = handler.content or b""
    handler.start(200, Transfer_Encoding="chunked", **handler.etag(content))
    for start in range(0, len(content), 10_000):
        block = content[start : start + 10_000]
        handler.body(f"{len(block):x}\r\n".encode() + block + b"\r\n")
    handler.body(b"0\r\n\r\n")


def without_length(handler: Handler) -> None:
    """Send the file and close: its end is the connection's (HTTP/1.0)."""
    handler.protocol_version = "HTTP/1.0"
    handler.start(200, Connection="close")
    handler.body(handler.content or b"")
    handler.close_connection = True


def ignore_range(handler: Handler) -> None:
    """Send the whole file, whatever range was asked for."""
    content = handler.content or b""
    handler.start(200, Content_Length=len(content), **handler.etag(content))
    handler.body(content)


def ignore_if_range(handler: Handler) -> None:
    """Send the asked-for range of whatever the file is now."""
    content, first = handler.content or b"", handler.request_seen.first_byte
    span = f"bytes {first}-{len(content) - 1}/{len(content)}"
    tag = handler.etag(content)
    handler.start(206, Content_Length=len(content) - first, Content_Range=span, **tag)
    handler.body(content[first:])


def answer(status: int, content: bytes = b"", **headers: object) -> Fault:
    """Answer with a status."""

    def fault(handler: Handler) -> None:
        handler.start(status, Content_Length=len(content), **headers)
        handler.body(content)

    return fault


@contextmanager
def running_server() -> Iterator[Site]:
    """A server on a free port of 127.0.0.1, until the end of the ``with``."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
