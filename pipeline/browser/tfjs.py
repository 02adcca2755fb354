"""What all TF.js backends share: which artifacts they run, and which inputs they take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.browser.page_session import PageSession, Runtime
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.backends.session import Array

FORMATS = ("tfjs-graph", "tfjs-layers")

#: TF.js has float32, int32 and bool; a frontend hands it everything else as one of these.
_DTYPES = {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}


def open_session(artifact: Path, engine: str, backend: str, **settings: Any) -> PageSession:
    """Open an artifact folder on one of TF.js' backends, and on no other."""
    return PageSession(artifact, engine, Runtime("tfjs", backend, _feed, settings))


def _feed(name: str, array: Array) -> Array:
    dtype = _DTYPES.get(array.dtype.kind)
    if dtype is None:
        raise PipelineError(f'input "{name}" is {array.dtype}, which TF.js does not take')
    converted = array.astype(dtype, copy=False)
    if dtype == "int32" and (converted != array).any():
        raise PipelineError(f'input "{name}" holds values that int32 cannot')
    return converted
