"""Runs TF.js artifacts in a real browser on the GPU, in WebGPU."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.browser import page_session, tfjs

NAME = "tfjs-webgpu"
FORMATS = tfjs.FORMATS
ENGINES = ("chromium", "firefox")
TOOLS = ()
GPU = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str) -> Session:
    """Open an artifact folder on TF.js' webgpu backend."""
    return tfjs.open_session(artifact, engine, "webgpu")
