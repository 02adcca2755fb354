"""Runs TF.js artifacts in a real browser on the CPU, in plain JavaScript.

Not part of ``all``: nobody ships it, and it is slow.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.backends.web import page_session
from pipeline.backends.web.page_session import PageSession, Runtime

NAME = "tfjs-cpu"
FORMATS = ("tfjs-graph", "tfjs-layers")
ENGINES = ("chromium", "firefox", "webkit")
TOOLS = ()
RUNTIME = "tfjs-cpu"
EXTRA = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str, runtime: Path | None = None) -> Session:
    """Open an artifact folder on TF.js' cpu backend."""
    return PageSession(artifact, engine, Runtime(RUNTIME, runtime))
