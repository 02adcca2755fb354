"""Runs TF.js artifacts in WebGL 2 with half-precision textures, as many phones have no others.

Not part of ``all``: it is for artifacts whose activations may not fit into float16.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.backends.session import Session
from pipeline.backends.web import page_session
from pipeline.backends.web.page_session import PageSession, Runtime

NAME = "tfjs-webgl-f16"
FORMATS = ("tfjs-graph", "tfjs-layers")
ENGINES = ("chromium", "firefox", "webkit")
TOOLS = ()
RUNTIME = "tfjs-webgl"
GPU = True
EXTRA = True
unavailable = page_session.unavailable
fingerprint = page_session.fingerprint
watched = page_session.watched


def open_session(artifact: Path, engine: str, runtime: Path | None = None) -> Session:
    """Open an artifact folder on TF.js' webgl backend, told to use float16 textures."""
    flags = {"WEBGL_FORCE_F16_TEXTURES": "true"}
    return PageSession(artifact, engine, Runtime(RUNTIME, runtime, flags=flags))
