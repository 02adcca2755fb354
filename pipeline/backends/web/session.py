"""The browsers of this process, one an engine, and the server that they load from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any

from pipeline.backends.web.driver import Browser
from pipeline.backends.web.engine import engines
from pipeline.backends.web.server import PageServer


@dataclass
class RunningBrowser:
    """One engine's browser, and its server."""

    browser: Browser
    server: PageServer
    settings: Any

    def close(self) -> None:
        for part in (self.browser.close, self.server.close):
            # Each may have died before; the rest must still close.
            with suppress(Exception):
                part()


_running: dict[str, RunningBrowser] = {}
_closer: Finalize | None = None


def close(engine: str | None = None) -> None:
    """Close one engine's browser and server, or all; the next page opens new ones."""
    for name in [engine] if engine else list(_running):
        if session := _running.pop(name, None):
            session.close()


def running(engine: str) -> RunningBrowser:
    """This process' browser, started where there is none, it died or its settings changed.

    Raises:
        Unavailable: there is no such browser, or it does not start.
    """
    global _closer
    definition = engines()[engine]
    current = _running.get(engine)
    if current and not (current.settings == definition.settings() and current.browser.alive()):
        close(engine)
    if engine not in _running:
        _running[engine] = RunningBrowser(definition.start(), PageServer(), definition.settings())
        # Not atexit: that does not run in the worker processes of a forked pool.
        _closer = _closer or Finalize(None, close, exitpriority=10)
    return _running[engine]
