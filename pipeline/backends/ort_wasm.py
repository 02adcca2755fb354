"""Runs ONNX artifacts in a real browser on the CPU, in ONNX Runtime Web's WebAssembly."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.backends.web import page_session
from pipeline.backends.web.page_session import PageSession, Runtime

NAME = "ort-wasm"
FORMATS = ("onnx",)
ENGINES = ("chromium", "firefox", "webkit")
TOOLS = ()
RUNTIME = "ort-wasm"
THREADS = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(
    artifact: Path, engine: str, runtime: Path | None = None, threads: int | None = None
) -> Session:
    """Open an artifact folder on ONNX Runtime Web's wasm provider."""
    return PageSession(artifact, engine, Runtime(RUNTIME, runtime, threads))
