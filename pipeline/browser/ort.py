"""What the backends of ONNX Runtime Web share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.browser.page_session import PageSession, Runtime

if TYPE_CHECKING:
    from pipeline.backends.session import Array

FORMATS = ("onnx",)


def open_session(artifact: Path, engine: str, backend: str, **settings: Any) -> PageSession:
    """Open an artifact folder on one execution provider, and on no other."""
    return PageSession(artifact, engine, Runtime("ort", backend, _feed, settings))


def _feed(name: str, array: Array) -> Array:
    """As it is: an ONNX model's inputs have the signature's dtypes."""
    return array
