"""The local HTTP server that the validation page, its packages and artifacts come from."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline.backends.web.packages import CLIENT, MODULES, PAGE, SHARED

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".wasm": "application/wasm",
}
_HEADERS = {
    # Both together give the page SharedArrayBuffer, and with it threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # A cached file would hide a missing one, and make a load look fast.
    "Cache-Control": "no-store",
}
_PAGE_SUFFIXES = (".html", ".js")
_SHARED = {f"client/{name}": CLIENT / name for name in SHARED}
_LOG_LINES = 10_000
#: Seconds; what waits for requests looks so often whether it is to end.
_CLOSES_WITHIN = 0.1


@dataclass(frozen=True)
class Access:
    """One request that was answered."""

    method: str
    path: str
    status: int
    sent_bytes: int = 0
    """Of the body, not of the head."""


@dataclass(frozen=True)
class Answer:
    """What a page sent back."""

    content_type: str
    content: bytes


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was closed takes no more files: nothing to be told."""


class PageServer:
    """Serves on 127.0.0.1, on a free port, from a thread, until ``close``.

    ``/page/`` is the page, with what it shares with the client in ``client/``, ``/node_modules/``
    its packages; everything else lies under a prefix that cannot be guessed and lives until it is
    taken down.
    """

    def __init__(self) -> None:
        self.log: deque[Access] = deque(maxlen=_LOG_LINES)
        self.folders = {"page": PAGE, "node_modules": MODULES}
        self.offers: dict[str, bytes] = {}
        self.answers: dict[str, Answer | None] = {}
        self._answered = threading.Condition()
        self._http = _Http(("127.0.0.1", 0), partial(_Handler, self))
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(_CLOSES_WITHIN,), daemon=True
        )
        self._thread.start()

    def mount(self, folder: Path) -> str:
        """Serve a folder; its URL ends in a slash."""
        token = secrets.token_urlsafe(16)
        self.folders[token] = folder.absolute()
        return f"{self.url}/{token}/"

    def unmount(self, url: str) -> None:
        """Stop serving what ``mount`` gave."""
        self.folders.pop(_first_part(urlsplit(url).path), None)

    def offer(self, content: bytes) -> str:
        """The URL of some bytes, until ``withdraw``."""
        token = secrets.token_urlsafe(16)
        self.offers[token] = content
        return f"{self.url}/{token}"

    def withdraw(self, url: str) -> None:
        """Forget what ``offer`` gave."""
        self.offers.pop(_first_part(urlsplit(url).path), None)

    def expect(self) -> str:
        """A URL that takes one POST, whose body ``take`` then returns."""
        token = secrets.token_urlsafe(16)
        self.answers[token] = None
        return f"{self.url}/{token}"

    def wait(self, url: str, timeout_s: float) -> bool:
        """Whether something was posted to a URL of ``expect`` within this time."""
        token = _first_part(urlsplit(url).path)
        with self._answered:
            return bool(self._answered.wait_for(lambda: self.answers.get(token), timeout_s))

    def answer(self, token: str, answer: Answer) -> bool:
        """Take what a page posts; whether it was expected."""
        with self._answered:
            if self.answers.get(token, self) is not None:
                return False
            self.answers[token] = answer
            self._answered.notify_all()
            return True

    def take(self, url: str) -> Answer | None:
        """What was posted to a URL of ``expect``, which is closed; ``None`` if nothing was."""
        return self.answers.pop(_first_part(urlsplit(url).path), None)

    def failures(self, url: str) -> list[Access]:
        """Requests under a mounted folder that were not answered with its file."""
        path = urlsplit(url).path
        return [seen for seen in self.log if seen.path.startswith(path) and seen.status >= 400]

    def sent_bytes(self, url: str) -> int:
        """Bytes of files sent from under a mounted folder."""
        path = urlsplit(url).path
        seen = (
            request
            for request in self.log
            if request.path.startswith(path) and request.status < 400
        )
        return sum(request.sent_bytes for request in seen)

    def find(self, path: str) -> Path | None:
        """The file that a request path names, if it is one that is served."""
        token, _, rest = unquote(path).lstrip("/").partition("/")
        folder = self.folders.get(token)
        name = PurePosixPath(rest)
        if folder is None or name.is_absolute() or ".." in name.parts or "\\" in rest:
            return None
        if token == "page" and rest in _SHARED:  # noqa: S105
            return _SHARED[rest]
        if token == "page" and (len(name.parts) != 1 or name.suffix not in _PAGE_SUFFIXES):  # noqa: S105
            return None
        # Links are followed: the store's folders are made of them. Nothing else writes there.
        return folder / name if (folder / name).is_file() else None

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; Nagle's algorithm would hold the second for 40 ms.
    disable_nagle_algorithm = True

    def __init__(self, pages: PageServer, *args: Any) -> None:
        self.pages = pages
        super().__init__(*args)

    def do_GET(self) -> None:
        if not self._is_local():
            return
        path = urlsplit(self.path).path
        offered = self.pages.offers.get(_first_part(path))
        if offered is not None:
            self._head(HTTPStatus.OK, "application/octet-stream", len(offered))
            self.wfile.write(offered)
        elif file := self.pages.find(path):
            self._send(file)
        else:
            self._say(HTTPStatus.NOT_FOUND, f"{path} is not here")

    def do_POST(self) -> None:
        if not self._is_local():
            return
        token = _first_part(urlsplit(self.path).path)
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = Answer(self.headers.get("Content-Type", ""), content)
        if self.pages.answer(token, answer):
            self._say(HTTPStatus.OK, "")
        else:
            self._say(HTTPStatus.NOT_FOUND, "no answer is expected here")

    def _is_local(self) -> bool:
        # Another site's page can reach this port under a name of its own (DNS rebinding).
        if self.headers.get("Host") == self.pages.host:
            return True
        self.close_connection = True
        self._say(HTTPStatus.FORBIDDEN, "unknown host name")
        return False

    def _send(self, file: Path) -> None:
        kind = _CONTENT_TYPES.get(file.suffix, "application/octet-stream")
        with file.open("rb") as stream:
            self._head(HTTPStatus.OK, kind, file.stat().st_size)
            shutil.copyfileobj(stream, self.wfile)

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._head(status, "text/plain; charset=utf-8", len(text.encode()))
        self.wfile.write(text.encode())

    def _head(self, status: HTTPStatus, content_type: str, length: int) -> None:
        # Logged first: whoever has the answer finds it in the log.
        self.pages.log.append(Access(self.command, self.path, int(status), length))
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Keep the terminal for the build; ``PageServer.log`` has the requests."""


def _first_part(path: str) -> str:
    return path.lstrip("/").partition("/")[0]
