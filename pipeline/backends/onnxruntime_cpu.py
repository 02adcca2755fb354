"""Runs ONNX artifacts in native onnxruntime on the CPU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipeline.backends.native import onnxruntime_session
from pipeline.backends.native.onnxruntime_session import OnnxruntimeSession
from pipeline.backends.session import Session

NAME = "onnxruntime-cpu"
FORMATS = onnxruntime_session.FORMATS
LANE = "light"
TOOLS = ("onnxruntime", "numpy")


def unavailable(engine: None = None) -> str | None:
    """Why this backend cannot run here."""
    return None if find_spec("onnxruntime") else "onnxruntime is not installed"


def open_session(artifact: Path, engine: None = None) -> Session:
    """Open an artifact folder; external data is read from beside the entry."""
    return OnnxruntimeSession(artifact)
