"""Runs TF.js artifacts in a real browser on the CPU, in WebAssembly with SIMD."""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.browser import tfjs

NAME = "tfjs-wasm"
FORMATS = tfjs.FORMATS
LANE = "chromium"
TOOLS = ("playwright",)
unavailable = tfjs.unavailable
fingerprint = tfjs.fingerprint
watched = tfjs.watched


def open_session(artifact: Path) -> Session:
    """Open an artifact folder on TF.js' wasm backend."""
    return tfjs.TfjsSession(artifact, "wasm")
