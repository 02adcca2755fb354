"""Runs ONNX artifacts in a real browser on the CPU, in ONNX Runtime Web's WebAssembly."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.browser import ort, page_session

NAME = "ort-wasm"
FORMATS = ort.FORMATS
ENGINES = ("chromium", "firefox", "webkit")
TOOLS = ()
THREADS = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str, threads: int | None = None) -> Session:
    """Open an artifact folder on ONNX Runtime Web's wasm provider."""
    return ort.open_session(artifact, engine, "wasm", threads=threads)
