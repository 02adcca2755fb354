"""Runs TF.js artifacts in a real browser on the CPU, in WebAssembly with SIMD."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.browser import page_session, tfjs

NAME = "tfjs-wasm"
FORMATS = tfjs.FORMATS
ENGINES = ("chromium", "firefox", "webkit")
TOOLS = ()
THREADS = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str, threads: int | None = None) -> Session:
    """Open an artifact folder on TF.js' wasm backend."""
    return tfjs.open_session(artifact, engine, "wasm", threads=threads)
