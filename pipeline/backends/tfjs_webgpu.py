"""Runs TF.js artifacts in a real browser on the GPU, in WebGPU."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.backends.web import page_session
from pipeline.backends.web.page_session import PageSession, Runtime

NAME = "tfjs-webgpu"
FORMATS = ("tfjs-graph", "tfjs-layers")
ENGINES = ("chromium", "firefox")
TOOLS = ()
RUNTIME = "tfjs-webgpu"
GPU = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str, runtime: Path | None = None) -> Session:
    """Open an artifact folder on TF.js' webgpu backend."""
    return PageSession(artifact, engine, Runtime(RUNTIME, runtime))
