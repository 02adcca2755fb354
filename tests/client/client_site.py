"""Real HTTP servers on loopback: a page's own origin, and the CDN that it loads models from."""

from __future__ import annotations

import fnmatch
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CLIENT = Path(__file__).parents[2] / "pipeline" / "client"

_TYPES = {
    "": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
CORS = {
    "Access-Control-Allow-Origin": "*",
    # A page of another origin sees Retry-After only where it is exposed.
    "Access-Control-Expose-Headers": "Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
#: Both together give a page SharedArrayBuffer, and with it threads.
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
#: The browser's own cache would hide what the client's does.
NO_STORE = {"Cache-Control": "no-store"}


@dataclass
class Request:
    """One request and what was sent in answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int = 0
    """0 where the connection was dropped without an answer."""
    sent_bytes: int = 0
    """Of the body, as it went over the wire."""
    at: float = field(default_factory=time.monotonic)


@dataclass
class Planned:
    """A fault, where it strikes and how often it still will."""

    pattern: str
    fault: Fault
    times: float


@dataclass
class Origin:
    """What one server serves, the faults to come, and the requests that came."""

    headers: Mapping[str, str]
    folders: dict[str, Path] = field(default_factory=dict)
    """URL prefix -> folder; the longest prefix that fits is used."""
    content: dict[str, bytes] = field(default_factory=dict)
    """Path -> body; before the folders."""
    extra_headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Pattern of paths -> headers in addition."""
    requests: list[Request] = field(default_factory=list)
    address: str = ""
    _planned: list[Planned] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        return f"{self.address}/{path.lstrip('/')}"

    def put(self, path: str, content: str | bytes) -> str:
        """Serve some content, before any folder's, and give its URL."""
        body = content.encode() if isinstance(content, str) else content
        self.content[f"/{path.lstrip('/')}"] = body
        return self.url(path)

    def fail(self, pattern: str, fault: Fault, times: float = float("inf")) -> None:
        """Use a fault for the next requests whose path fits (``*`` fits slashes too)."""
        self._planned.append(Planned(pattern, fault, times))

    def heal(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def go_offline(self, pattern: str = "*") -> None:
        """Drop every connection that asks for such a path."""
        self.fail(pattern, drop)

    def next_fault(self, path: str) -> Fault | None:
        """The fault for a request; counts it."""
        with self._lock:
            for planned in self._planned:
                if planned.times > 0 and fnmatch.fnmatchcase(path, planned.pattern):
                    planned.times -= 1
                    return planned.fault
        return None

    def seen(self, pattern: str = "*") -> list[Request]:
        """Requests of pages so far whose path fits, without preflights."""
        return [
            request
            for request in self.requests
            if request.method != "OPTIONS" and fnmatch.fnmatchcase(request.path, pattern)
        ]

    def sent_bytes(self, pattern: str = "*") -> int:
        """Bytes of bodies sent so far."""
        return sum(request.sent_bytes for request in self.seen(pattern))

    def find(self, path: str) -> Path | None:
        """The file that a path names."""
        for prefix in sorted(self.folders, key=len, reverse=True):
            if path.startswith(prefix):
                folder = self.folders[prefix].resolve()
                file = (folder / path.removeprefix(prefix)).resolve()
                if file.is_file() and file.is_relative_to(folder):
                    return file
        return None

    def added(self, path: str) -> dict[str, str]:
        """Headers of a path, in addition to those of all."""
        fits = (h for p, h in self.extra_headers.items() if fnmatch.fnmatchcase(path, p))
        return {name: value for headers in fits for name, value in headers.items()}


class Handler(BaseHTTPRequestHandler):
    """Serves an origin, compressed where a twin exists and the browser takes it."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes; Nagle's algorithm would hold the second for 40 ms.
    disable_nagle_algorithm = True
    origin: Origin

    def do_GET(self) -> None:
        self.request_path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen = Request(self.command, self.request_path, headers)
        self.origin.requests.append(self.seen)
        fault = self.origin.next_fault(self.request_path)
        with suppress(ConnectionError):  # a page that was closed takes no more
            (fault or serve)(self)

    do_HEAD = do_POST = do_GET  # noqa: N815 - named by the base class

    def do_OPTIONS(self) -> None:
        """Answer a preflight: whatever a page of another origin asks for is allowed."""
        allowed = {"Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*"}
        self.do_head(204, {**allowed, "Content-Length": "0"})

    def body(self) -> tuple[bytes, dict[str, str]] | None:
        """The body of the file asked for, and the headers that describe it."""
        content = self.origin.content.get(self.request_path)
        kind = _TYPES.get(Path(self.request_path).suffix, "application/octet-stream")
        described = {"Content-Type": kind, "Vary": "Accept-Encoding"}
        if content is not None:
            return content, described
        if file := self.origin.find(self.request_path):
            accepted = self.headers.get("Accept-Encoding", "")
            for encoding, suffix in _ENCODINGS.items():
                twin = file.with_name(file.name + suffix)
                if encoding in accepted and twin.is_file():
                    return twin.read_bytes(), {**described, "Content-Encoding": encoding}
            return file.read_bytes(), described
        return None

    def do_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status and headers."""
        with suppress(AttributeError):  # a preflight is not recorded
            self.seen.status = status
        self.send_response(status)
        path = urlsplit(self.path).path
        for name, value in {**self.origin.headers, **headers, **self.origin.added(path)}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, content: bytes) -> None:
        """Send a part of the body."""
        if self.command != "HEAD":
            self.seen.sent_bytes += len(content)
            self.wfile.write(content)

    def reset(self) -> None:
        """End the connection, as a router that restarts does."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest's output is for its reports."""


Fault = Callable[[Handler], None]


def serve(handler: Handler) -> None:
    """What a good server does."""
    found = handler.body()
    if found is None:
        answer(404)(handler)
        return
    content, headers = found
    handler.do_head(200, {**headers, "Content-Length": str(len(content))})
    handler.send(content)


def drop(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.reset()


def cut(share: float = 0.5) -> Fault:
    """Send a share of the body, then drop the connection."""

    def fault(handler: Handler) -> None:
        content, headers = handler.body() or (b"", {})
        handler.do_head(200, {**headers, "Content-Length": str(len(content))})
        handler.send(content[: int(len(content) * share)])
        handler.reset()

    return fault


def altered(change: Callable[[bytes], bytes]) -> Fault:
    """Send another body, uncompressed, as if it were the file's own."""

    def fault(handler: Handler) -> None:
        file = handler.origin.find(handler.request_path)
        content = change(file.read_bytes() if file else b"")
        handler.do_head(200, {"Content-Length": str(len(content))})
        handler.send(content)

    return fault


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


#: One bit of the body is another; its length is right.
flip = altered(_flipped)


def answer(status: int, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with a status and a short page that says it."""

    def fault(handler: Handler) -> None:
        body = f"<h1>{status}</h1>".encode()
        said = {"Content-Type": "text/html", "Content-Length": str(len(body))}
        handler.do_head(status, {**said, **(headers or {})})
        handler.send(body)

    return fault


def fallback(page: bytes) -> Fault:
    """Answer with an app's own page and status 200, as hosts of such apps do for any path."""

    def fault(handler: Handler) -> None:
        said = {"Content-Type": "text/html", "Content-Length": str(len(page))}
        handler.do_head(200, said)
        handler.send(page)

    return fault


def endless(handler: Handler) -> None:
    """Send for as long as the client reads, some 10 MB a second."""
    handler.do_head(200, {"Content-Length": str(2**40)})
    while True:
        handler.send(bytes(2**16))
        time.sleep(0.006)


def delay(seconds: float) -> Fault:
    """Answer well, but late."""

    def fault(handler: Handler) -> None:
        time.sleep(seconds)
        serve(handler)

    return fault


def stall(seconds: float, share: float = 0.5) -> Fault:
    """Send a share of the body, and nothing more for a while."""

    def fault(handler: Handler) -> None:
        content, headers = handler.body() or (b"", {})
        handler.do_head(200, {**headers, "Content-Length": str(len(content))})
        handler.send(content[: int(len(content) * share)])
        handler.wfile.flush()
        time.sleep(seconds)
        handler.reset()

    return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A page opens many connections at once.
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away is no error of a test."""


@contextmanager
def running(origin: Origin, host: str = "127.0.0.1") -> Iterator[Origin]:
    """Serve an origin on a free port until the end of the ``with``."""
    handler = type("OriginHandler", (Handler,), {"origin": origin})
    with _Server((host, 0), handler) as server:
        origin.address = f"http://{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            server.shutdown()
            thread.join()


def cdn(folder: Path) -> Origin:
    """The origin that serves a published folder, and the client where that was not published."""
    client = {} if (folder / "client").is_dir() else {"/client/": CLIENT}
    return Origin({**CORS, **NO_STORE}, {"/": folder, "/sources/": CLIENT.parent, **client})


class Posted:
    """One POST that a page will send."""

    def __init__(self) -> None:
        self.came, self.body = threading.Event(), b""

    def take(self, handler: Handler) -> None:
        self.body = handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.do_head(204, {"Content-Length": "0"})
        self.came.set()
