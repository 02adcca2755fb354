"""moto's S3 over real HTTP on 127.0.0.1, with faults that a test can script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class S3:
    """A running server, what it was asked, and what it is to answer instead."""

    address: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path with query, and headers of each request."""
    failing: list[int] = field(default_factory=list)
    """Statuses of the next answers; then it answers as it should."""
    lost: list[str] = field(default_factory=list)
    """Ends of paths: the next write to each is done, and answered with a 500."""
    denied: list[str] = field(default_factory=list)
    """Ends of paths that may not be written."""
    unconditional: bool = False
    """Whether conditions of writes are ignored, as older servers do."""
    before: Callable[[str, str], None] = lambda method, path: None
    """Called with method and path of each request."""
    after: Callable[[str, str], None] = lambda method, path: None
    """The same, once it is done and not yet answered."""

    def puts(self) -> list[str]:
        """The paths that were written, in order."""
        return [path.partition("?")[0] for method, path, _ in self.requests if method == "PUT"]


@contextmanager
def running_s3() -> Iterator[S3]:
    """A server on a free port, until the end of the ``with``."""
    s3 = S3()
    application = _scripted(s3, create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    s3.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _scripted(s3: S3, moto: Wsgi) -> Wsgi:
    # moto looks at the condition of a write and then writes; S3 does both as one.
    one_at_a_time = threading.Lock()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        _note(s3, environ)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        s3.before(method, path)
        if method == "PUT" and path.endswith(tuple(s3.denied)):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _fail(403, start)
        if s3.failing:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _fail(s3.failing.pop(0), start)
        if s3.unconditional:
            environ.pop("HTTP_IF_MATCH", None)
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with one_at_a_time:
            body = list(moto(environ, start_late := _Late()))
        s3.after(method, path)
        if method == "PUT":
            for end in [end for end in s3.lost if path.endswith(end)]:
                s3.lost.remove(end)
                return _fail(500, start)
        start(*start_late.arguments)
        return body

    return answer


class _Quiet(MotoRequestHandler):  # type: ignore[misc]
    def log(self, *arguments: Any) -> None:
        """Say nothing."""


class _Late:
    """Keeps the head of an answer until it is known whether it is sent."""

    arguments: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any) -> None:
        self.arguments = arguments


def _note(s3: S3, environ: dict[str, Any]) -> None:
    query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
    heads = {key[5:].lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    heads["content-type"] = environ.get("CONTENT_TYPE", "")
    s3.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"] + query, heads))


def _fail(status: int, start: Callable[..., Any]) -> list[bytes]:
    start(f"{status} Scripted", [("Content-Length", "0")])
    return [b""]
