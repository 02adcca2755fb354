"""A CDN folder on this machine, served as a good host would: for trying it, not for the world."""

from __future__ import annotations

import errno
import html
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.cdn.index import known_index
from pipeline.publish.release.hosting import hidden
from pipeline.storage.headers import ALWAYS, ENCODINGS, PREFLIGHT, headers
from pipeline.storage.layout import (
    CLIENT,
    DEMO,
    INDEX,
    MANIFEST,
    PAGE,
    RUNTIMES,
    pointer_path,
    release_and_name,
)
from pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
#: Another site's page can reach this port under a name of its own (DNS rebinding).
NAMES = [HOST, "localhost"]


class CdnFiles(StaticFiles):
    """The files of a CDN folder, with their headers, and compressed where the browser takes it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if hidden(path):
            raise HTTPException(404)
        try:
            return await super().get_response(path, scope)
        except HTTPException:
            if path == "." and self.directory:
                return _front(Path(self.directory))
            raise

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        asked = Headers(scope=scope)
        relative = Path(full_path).relative_to(Path(str(self.directory)).resolve()).as_posix()
        rules = headers(relative)
        encoding, sent = choose_encoding(Path(full_path), asked if has_twins(relative) else {})
        named = {"Cache-Control": rules.cache_control, "Vary": "Accept-Encoding"}
        named |= {"Content-Encoding": encoding} if encoding else {}
        # With its stat: else an entity tag is there only once the answer is on its way.
        response = FileResponse(
            sent,
            status_code,
            named,
            media_type=rules.content_type,
            stat_result=sent.stat(),
        )
        if self.is_not_modified(response.headers, asked):
            return NotModifiedResponse(response.headers)
        return response


def has_twins(path: str) -> bool:
    """Whether publishing writes compressed twins of such a file, where they help.

    Others are not believed: they hold what somebody put there.
    """
    model, _, rest = path.partition("/")
    if split := release_and_name(rest):
        return split[1] in (MANIFEST, PAGE)
    is_pointer = rest.endswith(".json") and "/" not in rest
    return path != INDEX and not (is_pointer and model not in (CLIENT, DEMO, RUNTIMES))


def choose_encoding(file: Path, asked: Mapping[str, str]) -> tuple[str | None, Path]:
    """The encoding to send, and the file that holds it; parts are those of the file itself."""
    if "range" in asked:
        return None, file
    accepted = _accepted_encodings(asked.get("accept-encoding", ""))
    for suffix, encoding in ENCODINGS.items():
        twin = file.with_name(file.name + suffix)
        if encoding in accepted and twin.is_file():
            return encoding, twin
    return None, file


def _accepted_encodings(header: str) -> set[str]:
    """The encodings that a browser takes: ``gzip, br;q=0`` has only the first one."""
    parts = [[word.strip() for word in coding.split(";")] for coding in header.lower().split(",")]
    return {name for name, *rest in parts if not any(_is_zero(word) for word in rest)}


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    with suppress(ValueError):
        return name == "q" and float(value) == 0
    return False


def _front(folder: Path) -> Response:
    try:
        return HTMLResponse(models_page(folder))
    except (PipelineError, OSError) as error:
        return PlainTextResponse(str(error), 500)


def models_page(folder: Path) -> str:
    """What there is, where no page was published."""
    models = known_index(LocalStorage(folder))
    links = "".join(
        f'<li><a href="{html.escape(path)}">{html.escape(path)}</a>'
        for name, model in models.items()
        for path in (pointer_path(name, channel) for channel in model["channels"])
    )
    title = "Published models"
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><ul>{links}</ul>'


class EveryAnswer:
    """Adds what every answer has, also an error's, and answers preflights."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ALWAYS)
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)


def application(folder: Path) -> Starlette:
    """The ASGI application that serves a CDN folder.

    Raises:
        ConfigError: nothing is published there.
    """
    if not (folder / INDEX).is_file():
        raise ConfigError(
            "nothing is published there",
            where=str(folder),
            todo="run `pipeline build`, or name another folder: pipeline serve FOLDER",
        )
    files = CdnFiles(directory=folder.resolve(), html=True)
    hosts: Any = TrustedHostMiddleware
    middleware = [Middleware(hosts, allowed_hosts=NAMES), Middleware(EveryAnswer)]
    return Starlette(routes=[Mount("/", files)], middleware=middleware)


def bound(port: int) -> socket.socket:
    """A socket that listens on loopback; 0 takes any port that is free.

    Raises:
        PipelineError: the port is taken, or not for us.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        taken = error.errno == errno.EADDRINUSE
        what = f"port {port} is taken" if taken else f"port {port}: {error.strerror}"
        todo = "name another one with --port; --port 0 takes any that is free"
        raise PipelineError(what, todo=todo) from error
    return listening


def serve(folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        ready: called with the URL once it answers.
    """
    import uvicorn

    app = application(folder)
    with bound(port) as listening:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
        )
        ready(f"http://{HOST}:{listening.getsockname()[1]}/")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
