"""Runs ONNX artifacts in a real browser on the GPU, in ONNX Runtime Web with WebGPU."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.browser import ort, page_session

NAME = "ort-webgpu"
FORMATS = ort.FORMATS
ENGINES = ("chromium", "firefox")
TOOLS = ()
GPU = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str) -> Session:
    """Open an artifact folder on ONNX Runtime Web's webgpu provider."""
    return ort.open_session(artifact, engine, "webgpu")
